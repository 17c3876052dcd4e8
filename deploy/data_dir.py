"""The data directory of one stack: who holds it, which ports it remembers, which processes run on it."""

import asyncio
import fcntl
import json
import os
import random
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from deploy.process_table import find_birth
from deploy.stack_errors import DataDirBusyError, DataDirUnusableError

# Below the ephemeral range of Linux (32768) and macOS (49152), so that no outgoing connection takes the port.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_LEFTOVER_SECONDS = 5.0
_POLL_SECONDS = 0.02


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the directory for this process; it is created when missing.

    Raises DataDirBusyError naming the holder's pid, or DataDirUnusableError. The kernel drops the lock with
    the process.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DataDirUnusableError(f"cannot use the data directory {data_dir}: {error}") from error
    try:
        _take(lock, data_dir)
        yield
    finally:
        os.close(lock)


def _take(lock: int, data_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 32, 0).decode().strip() or "unknown"
        raise DataDirBusyError(f"another stack (pid {holder}) runs on {data_dir}") from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def remembered_ports(file: Path, names: Sequence[str]) -> dict[str, int]:
    """A free loopback port per name: the one in `file` unless somebody took it, and `file` updated."""
    before: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    with ExitStack() as held:
        after = {name: _hold_port(held, before.get(name)) for name in names}
    write_json(file, before | after)
    return after


def _hold_port(held: ExitStack, wanted: int | None) -> int:
    """A port that nobody listens on, bound until `held` closes so that the next call finds another."""
    while True:
        port = wanted or random.randint(_FIRST_PORT, _LAST_PORT)  # noqa: S311 - not a secret
        wanted = None
        listener = held.enter_context(socket.socket())
        # Connections of its last owner may linger in TIME_WAIT; only a listener makes it taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen()
            return port


def write_json(file: Path, value: object) -> None:
    """Replace a small file at once: a reader sees the old or the new text, never a part."""
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(value, indent=2) + "\n")
    draft.replace(file)


async def end_leftovers(run_file: Path) -> None:
    """Wait until the children of a killed supervisor are gone; end those that the leash did not.

    Without this a restart right after a kill would find their ports taken and choose others.
    """
    leftovers = {pid: born for pid, born in _recorded(run_file) if _is_running(pid, born)}
    for request in (signal.SIGTERM, signal.SIGKILL):
        with suppress(TimeoutError):
            await _end(leftovers, request)


async def _end(leftovers: Mapping[int, str], request: signal.Signals) -> None:
    running = [pid for pid, born in leftovers.items() if _is_running(pid, born)]
    for pid in running:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, request)
    async with asyncio.timeout(_LEFTOVER_SECONDS):
        while any(_is_running(pid, leftovers[pid]) for pid in running):  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(_POLL_SECONDS)


def _is_running(pid: int, born: str) -> bool:
    return find_birth(pid) == born


def _recorded(run_file: Path) -> list[tuple[int, str]]:
    if not run_file.exists():
        return []
    run = json.loads(run_file.read_text())
    return [(pid, run["births"][name]) for name, pid in run["pids"].items() if run["births"][name]]
