"""Keeps the children of one stack running, and leaves none behind.

Each child has a keeper, a task that spawns it, waits until it answers, and starts it again when it dies.
Stopping is cancelling: a cancelled keeper waits until the children of later phases are gone, then ends its
own.
"""

import asyncio
import logging
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from deploy.child import Child, becomes_ready, end, kill_group, spawn, tail
from deploy.data_dir import birth, end_leftovers, locked, write_json
from deploy.stack_errors import ChildFailedError

__all__ = ["Child", "ChildFailedError", "Life", "Past", "Supervisor", "supervise"]

MAX_FAILED_STARTS = 5
SETTLED_SECONDS = 10.0
FIRST_DELAY_SECONDS = 0.1
LAST_DELAY_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life of a child, from spawn to exit; a negative return code is the signal that ended it."""

    was_ready: bool
    uptime_seconds: float
    returncode: int

    @property
    def settled(self) -> bool:
        """Whether it lived long enough to count as healthy."""
        return self.was_ready and self.uptime_seconds >= SETTLED_SECONDS

    @property
    def is_failed_start(self) -> bool:
        """Whether it could not start, as opposed to being killed by somebody while it served."""
        return not self.was_ready or (self.returncode >= 0 and not self.settled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the lives so far say about the next one."""

    short_lives: int = 0
    failed_starts: int = 0

    def after(self, life: Life) -> "Past":
        """The past once `life` is over."""
        return Past(
            short_lives=0 if life.settled else self.short_lives + 1,
            failed_starts=self.failed_starts + 1 if life.is_failed_start else 0,
        )

    @property
    def delay_seconds(self) -> float:
        """How long to wait before the next life: doubling with every short one."""
        doublings = max(0, self.short_lives - 1)
        return float(min(LAST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(doublings, 10)))

    @property
    def is_hopeless(self) -> bool:
        """Whether the stack should give up."""
        return self.failed_starts > MAX_FAILED_STARTS


@dataclass(slots=True, eq=False, kw_only=True)
class _Keeper:
    """Runs one child, life after life, until it is cancelled or the child is hopeless."""

    child: Child
    log: Path
    changed: Callable[[], None]
    process: Process | None = None
    serving: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, followers: Callable[[], set[asyncio.Task[None]]]) -> None:
        """Raise ChildFailedError when hopeless; end the child, after its followers, in any case."""
        try:
            await self._live_again_and_again()
        finally:
            if tasks := followers():
                await asyncio.wait(tasks)
            if self.process:
                await end(self.child, self.process)

    async def _live_again_and_again(self) -> None:
        past = Past()
        while True:
            life = await self._live()
            past = past.after(life)
            if past.is_hopeless:
                reason = f"it ended {past.failed_starts} times, the last time with {life.returncode}"
                raise ChildFailedError(self.child.name, reason, tail(self.log))
            _log.warning("%s ended with %s, starts again", self.child.name, life.returncode)
            await asyncio.sleep(past.delay_seconds)

    async def _live(self) -> Life:
        await self.child.prepare()
        started = time.monotonic()
        self.process = process = await spawn(self.child, self.log)
        self.changed()
        if ready := await becomes_ready(self.child, process):
            self.serving.set()
            await process.wait()
            self.serving.clear()
        await end(self.child, process)
        uptime_seconds = time.monotonic() - started
        return Life(was_ready=ready, uptime_seconds=uptime_seconds, returncode=process.returncode or 0)


class Supervisor:
    """The running children of one data directory; made by `supervise`."""

    def __init__(self, data_dir: Path, tasks: asyncio.TaskGroup) -> None:
        self.data_dir = data_dir
        self.ports: dict[str, int] = {}
        self._tasks = tasks
        self._phases: list[set[asyncio.Task[None]]] = []
        self._keepers: dict[str, _Keeper] = {}

    @property
    def pids(self) -> Mapping[str, int]:
        """The pid of each child's current life, by name."""
        return {name: keeper.process.pid for name, keeper in self._keepers.items() if keeper.process}

    async def start(self, *children: Child) -> None:
        """Start the children side by side and return when all of them answer.

        Each call is a phase, and the last phase is stopped first: start servers before what uses them.
        """
        number = len(self._phases)
        self._phases.append(set())
        keepers = [self._keeper(child) for child in children]
        for keeper in keepers:
            task = self._tasks.create_task(keeper.keep(lambda: set().union(*self._phases[number + 1 :])))
            self._phases[number].add(task)
        for keeper in keepers:
            await keeper.serving.wait()

    async def serving(self, name: str) -> None:
        """Wait until the named child answers."""
        await self._keepers[name].serving.wait()

    def kill(self) -> None:
        """Kill every child without grace; their keepers reap them."""
        for pid in self.pids.values():
            kill_group(pid)

    def record(self) -> None:
        """Write who runs into `run.json`: supervisor pid, pids by name, ports by name."""
        births = {name: birth(pid) for name, pid in self.pids.items()}
        run = {"supervisor": os.getpid(), "pids": self.pids, "births": births, "ports": self.ports}
        write_json(self.data_dir / "run.json", run)

    def forget(self) -> None:
        """Remove `run.json`: nobody runs any more."""
        (self.data_dir / "run.json").unlink(missing_ok=True)

    def _keeper(self, child: Child) -> _Keeper:
        if child.name in self._keepers:
            raise ValueError(f"two children are named {child.name}")
        log = self.data_dir / "logs" / f"{child.name}.log"
        self._keepers[child.name] = keeper = _Keeper(child=child, log=log, changed=self.record)
        return keeper


class _FinishedError(Exception):
    """The body is done: the task group is to cancel the keepers."""


@asynccontextmanager
async def supervise(data_dir: Path, *, handle_signals: bool = False) -> AsyncIterator[Supervisor]:
    """Hold the data directory and run children on it until the body ends; then none is left.

    `data_dir` is absolute. With `handle_signals` the first SIGINT or SIGTERM ends the body as if it had
    returned, and a second one kills the children without grace.

    Raises DataDirBusyError, DataDirUnusableError, ChildFailedError.
    """
    with locked(data_dir):
        await end_leftovers(data_dir / "run.json")
        tasks = asyncio.TaskGroup()
        supervisor = Supervisor(data_dir, tasks)
        with _ended_by_signals(supervisor) if handle_signals else nullcontext(), _one_error():
            async with tasks:
                yield supervisor
                raise _FinishedError
        supervisor.forget()


@contextmanager
def _one_error() -> Iterator[None]:
    """Raise the first real error of a task group instead of the group."""
    errors: list[BaseException] = []
    try:
        yield
    except BaseExceptionGroup as group:
        errors = [error for error in group.exceptions if not isinstance(error, _FinishedError)]
    if errors:
        raise errors[0]


@contextmanager
def _ended_by_signals(supervisor: Supervisor) -> Iterator[None]:
    """Cancel the current task on the first stop signal and swallow that cancellation; kill on the second."""
    body = asyncio.current_task()
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        received.append(number)
        if body and len(received) == 1:
            body.cancel()
        else:
            supervisor.kill()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    except asyncio.CancelledError:
        if not received or body is None or body.uncancel():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
