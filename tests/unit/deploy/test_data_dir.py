import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.data_dir import end_leftovers, locked, remembered_ports, write_json
from deploy.process_table import find_birth, find_program, is_alive
from deploy.stack_errors import DataDirBusyError, DataDirUnusableError


def test_a_held_directory_is_refused_with_one_line_that_names_the_holder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(DataDirBusyError) as refusal, locked(tmp_path):
        pass
    assert str(refusal.value) == f"another stack (pid {os.getpid()}) runs on {tmp_path}"


def test_a_released_directory_can_be_held_again(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_directory_that_cannot_be_made_is_reported_as_unusable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataDirUnusableError, match="cannot use the data directory"),
        locked(tmp_path / "file"),
    ):
        pass


def test_ports_are_distinct_and_remembered(tmp_path: Path) -> None:
    first = remembered_ports(tmp_path / "ports.json", ["a", "b", "c"])
    assert len(set(first.values())) == 3
    assert remembered_ports(tmp_path / "ports.json", ["a", "b", "c"]) == first


def test_only_the_port_that_somebody_took_is_chosen_again(tmp_path: Path) -> None:
    first = remembered_ports(tmp_path / "ports.json", ["a", "b"])
    with socket.create_server(("127.0.0.1", first["a"])):
        second = remembered_ports(tmp_path / "ports.json", ["a", "b"])
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


def test_a_new_name_keeps_the_ports_of_the_others(tmp_path: Path) -> None:
    first = remembered_ports(tmp_path / "ports.json", ["a"])
    remembered_ports(tmp_path / "ports.json", ["b"])
    assert remembered_ports(tmp_path / "ports.json", ["a"]) == first


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


async def test_a_leftover_of_a_killed_supervisor_is_ended(
    tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    record_run(tmp_path, stranger.pid, find_birth(stranger.pid))
    await end_leftovers(tmp_path / "run.json")
    assert stranger.poll() == -signal.SIGTERM


async def test_a_stranger_with_a_recycled_pid_is_left_alone(
    tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    record_run(tmp_path, stranger.pid, "born long ago")
    await end_leftovers(tmp_path / "run.json")
    assert stranger.poll() is None


def record_run(data_dir: Path, pid: int, birth: str | None) -> None:
    write_json(data_dir / "run.json", {"pids": {"child": pid}, "births": {"child": birth}})


def test_this_process_is_known_to_the_process_table() -> None:
    assert is_alive(os.getpid())
    assert find_birth(os.getpid())
    assert find_program(os.getpid())


def test_a_process_that_is_gone_is_not() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not is_alive(process.pid)
    assert find_birth(process.pid) is None
    assert find_program(process.pid) is None
