import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.process_table import find_birth

ROOT = Path(__file__).parents[3]


@dataclass
class Stack:
    """The three servers in a process of their own, to be killed."""

    data_dir: Path
    urls: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "deploy.embedded", str(self.data_dir), "--fast"]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def started(self) -> "Stack":
        assert self.process.stdout
        self.urls = json.loads(self.process.stdout.readline())
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Return the exit status and what it said on stderr."""
        self.process.send_signal(number)
        _, complaints = self.process.communicate()
        return self.process.returncode, complaints

    @property
    def run(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "run.json").read_text())


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def processes_of(stack: Stack) -> set[int]:
    """The children and their children, Postgres backends above all."""
    tree = {int(pid): int(parent) for pid, parent in (line.split() for line in ps("pid=,ppid="))}
    children = {pid for pid, parent in tree.items() if parent == stack.process.pid}
    return children | {pid for pid, parent in tree.items() if parent in children}


def ps(columns: str) -> list[str]:
    command = ["ps", "-A", "-o", columns]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def gone(pids: set[int]) -> bool:
    return not any(find_birth(pid) for pid in pids)


def test_sigterm_ends_every_process_and_the_stack_with_zero(data_dir: Path) -> None:
    with Stack(data_dir) as stack:
        pids = processes_of(stack.started())
        assert set(stack.run["pids"].values()) < pids
        assert stack.stop() == (0, "")
    assert gone(pids)
    assert not (data_dir / "run.json").exists()


def test_a_killed_supervisor_leaves_no_process_for_longer_than_three_seconds(data_dir: Path) -> None:
    with Stack(data_dir) as stack:
        pids = processes_of(stack.started())
        assert len(pids) > 3
        stack.stop(signal.SIGKILL)
        until(lambda: gone(pids), seconds=3)


def test_a_stack_started_right_after_a_kill_has_the_same_addresses(data_dir: Path) -> None:
    with Stack(data_dir) as first:
        first.started().stop(signal.SIGKILL)
    with Stack(data_dir) as second:
        assert second.started().urls == first.urls


def test_a_second_stack_on_one_directory_is_refused_in_one_line(data_dir: Path) -> None:
    with Stack(data_dir) as first:
        first.started()
        with Stack(data_dir) as second:
            _, complaint = second.process.communicate()
        assert second.process.returncode == 1
        assert complaint == f"another stack (pid {first.process.pid}) runs on {data_dir}\n"


def test_an_interrupted_initdb_is_done_again(data_dir: Path) -> None:
    with Stack(data_dir) as first:
        until(lambda: list((data_dir / "postgres").glob("init-*/cluster/base")))
        first.stop(signal.SIGKILL)
    assert not (data_dir / "postgres" / "cluster").exists()
    with Stack(data_dir) as second:
        second.started()
        assert not list((data_dir / "postgres").glob("init-*"))


def test_a_signal_while_the_servers_start_ends_them(data_dir: Path) -> None:
    with Stack(data_dir) as stack:
        until((data_dir / "run.json").exists)
        pids = processes_of(stack)
        assert stack.stop(signal.SIGINT) == (0, "")
    assert gone(pids)
