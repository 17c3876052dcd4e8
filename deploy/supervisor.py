"""Keeps the children of one stack running, and leaves none behind.

Each child has a keeper, a task of its own. Stopping is cancelling: a cancelled keeper waits until the
children of later phases are gone, then ends its child.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

from deploy.child import Child, kill_group
from deploy.data_dir import end_leftovers, locked, write_json
from deploy.keeper import MAX_FAILED_STARTS, Keeper
from deploy.process_table import find_birth
from deploy.stack_errors import ChildFailedError

__all__ = ["Child", "ChildFailedError", "StoppedBySignal", "Supervisor", "supervise"]


class Supervisor:
    """The running children of one data directory; made by `supervise`."""

    def __init__(self, data_dir: Path, tasks: asyncio.TaskGroup, max_failed_starts: int) -> None:
        self.data_dir = data_dir
        self.max_failed_starts = max_failed_starts
        self.ports: dict[str, int] = {}
        self._tasks = tasks
        self._phases: list[set[asyncio.Task[None]]] = []
        self._keepers: dict[str, Keeper] = {}

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
        births = {name: find_birth(pid) for name, pid in self.pids.items()}
        run = {"supervisor": os.getpid(), "pids": self.pids, "births": births, "ports": self.ports}
        write_json(self.data_dir / "run.json", run)

    def forget(self) -> None:
        """Remove `run.json`: nobody runs any more."""
        (self.data_dir / "run.json").unlink(missing_ok=True)

    def _keeper(self, child: Child) -> Keeper:
        if child.name in self._keepers:
            raise ValueError(f"two children are named {child.name}")
        log = self.data_dir / "logs" / f"{child.name}.log"
        self._keepers[child.name] = keeper = Keeper(
            child=child, log=log, changed=self.record, max_failed_starts=self.max_failed_starts
        )
        return keeper


class StoppedBySignal(SystemExit):
    """When SIGINT or SIGTERM ended a stack, after its last child; uncaught, the process exits with 0.

    Raised and not swallowed, so that a signal that comes while the caller still starts things ends that too.
    """

    def __init__(self) -> None:
        super().__init__(0)


class _FinishedError(Exception):
    """The body is done: the task group is to cancel the keepers."""


@asynccontextmanager
async def supervise(
    data_dir: Path, *, handle_signals: bool = False, max_failed_starts: int = MAX_FAILED_STARTS
) -> AsyncIterator[Supervisor]:
    """Hold the data directory and run children on it until the body ends; then none is left.

    `data_dir` is absolute. With `handle_signals` the first SIGINT or SIGTERM ends the body, then the children
    and raises StoppedBySignal; a second one kills the children without grace.

    A child that fails to start more than `max_failed_starts` times in a row ends the stack.
    Raises DataDirBusyError, DataDirUnusableError, ChildFailedError.
    """
    with locked(data_dir):
        await end_leftovers(data_dir / "run.json")
        tasks = asyncio.TaskGroup()
        supervisor = Supervisor(data_dir, tasks, max_failed_starts)
        try:
            with _ended_by_signals(supervisor) if handle_signals else nullcontext(), _one_error():
                async with tasks:
                    yield supervisor
                    raise _FinishedError
        finally:
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
        # With its own cause and without the group as its context.
        raise errors[0] from errors[0].__cause__


@contextmanager
def _ended_by_signals(supervisor: Supervisor) -> Iterator[None]:
    """Cancel this task on the first stop signal, kill on the second; raise StoppedBySignal at the end."""
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
        raise StoppedBySignal from None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
