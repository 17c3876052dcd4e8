"""One process of a stack: how it is described, spawned on a leash, and ended."""

import asyncio
import os
import pwd
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.stack_errors import StackError

_LEASH = Path(__file__).with_name("leash.py")
_MAX_LOG_BYTES = 5 * 1024 * 1024
_TAIL_BYTES = 2000
_POLL_SECONDS = 0.02


async def answers_at_once() -> bool:
    """The readiness of a child that has no protocol to ask."""
    return True


async def needs_nothing() -> None:
    """The preparation of a child that has nothing to prepare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What to run and how to tell that it runs.

    `argv[0]` is an absolute path; `env` is the whole environment. `prepare` runs before every spawn. `ready`
    says soon whether the child serves by now; it is asked again and again for at most `ready_seconds`.
    `death_signal` is what the child gets when the supervisor is killed (Linux).
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    ready: Callable[[], Awaitable[bool]] = answers_at_once
    prepare: Callable[[], Awaitable[None]] = needs_nothing
    ready_seconds: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace_seconds: float = 10.0
    cwd: Path | None = None
    user: str | None = None


async def spawn(child: Child, log: Path) -> Process:
    """Start the child in its own session, its output appended to `log`.

    Call from a thread that lives as long as the child may: the leash is tied to the spawning thread.
    """
    output = _open_log(log)
    try:
        return await asyncio.create_subprocess_exec(
            *_leashed(child),
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
            cwd=child.cwd,
            env=dict(child.env),
            start_new_session=True,
        )
    finally:
        os.close(output)


async def becomes_ready(child: Child, process: Process) -> bool:
    """Whether the child answered before it ended; raises TimeoutError after `ready_seconds` of neither."""
    async with asyncio.timeout(child.ready_seconds):
        # Another process's readiness has no event to wait for, hence the polling.
        while process.returncode is None:
            if await child.ready():
                return process.returncode is None
            await asyncio.sleep(_POLL_SECONDS)
    return False


async def end(child: Child, process: Process) -> None:
    """Stop the child: its stop signal, the grace period, SIGKILL; reap it and what it left in its group."""
    with suppress(ProcessLookupError):
        process.send_signal(child.stop_signal)
    with suppress(TimeoutError):
        async with asyncio.timeout(child.grace_seconds):
            await process.wait()
    kill_group(process.pid)
    await process.wait()


def kill_group(pid: int) -> None:
    """Kill what is left of the process group that `pid` led; nothing left is fine."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def tail(log: Path) -> str:
    """The last lines of a log, for an error message; empty when there is no log."""
    with suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
    return ""


def get_account(user: str) -> pwd.struct_passwd:
    """The account of a local user; raises StackError."""
    try:
        return pwd.getpwnam(user)
    except KeyError as error:
        raise StackError(f"there is no user {user!r} to run as") from error


def _open_log(log: Path) -> int:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if log.stat().st_size > _MAX_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _leashed(child: Child) -> list[str]:
    leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(child.death_signal))]
    return [*leash, _ids(child.user), *child.argv]


def _ids(user: str | None) -> str:
    if user is None:
        return "-"
    account = get_account(user)
    return f"{account.pw_uid}:{account.pw_gid}"
