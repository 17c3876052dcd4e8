"""What must be there before a process can work: every migration, every stream, every durable.

A process that lacks one answers pings and fails at its first message, so readiness looks for them. And one
that serves clients does not begin with a database user whom row-level security does not hold.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from deploy.stack_errors import StackError
from subjects.queues import ask_admin, consumers
from subjects.streams import STREAMS, Durable
from subjects.wire import Wire

MIGRATE = "run `truthtok migrate`"
APPLY = "run `truthtok nats apply`"


class MissingError(StackError):
    """When something is missing that a command of ours puts there; the text names both."""


@dataclass(slots=True)
class Foundation:
    """Asks until nothing is missing, then never again: what is there stays, and probes come every second."""

    find_missing: Callable[[], Awaitable[list[str]]]
    advice: str
    _is_laid: bool = field(default=False, init=False)

    async def check(self) -> None:
        """Raise MissingError while something is missing, and whatever keeps us from seeing it."""
        if self._is_laid:
            return
        if missing := await self.find_missing():
            raise MissingError(f"{', '.join(missing)} missing: {self.advice}")
        self._is_laid = True


class UnconfinedError(StackError):
    """When the database user may see everybody's; the text says what to do."""


@dataclass(slots=True)
class Confinement:
    """Asks until the database user is held to row-level security, then never again."""

    find_freedom: Callable[[], Awaitable[str | None]]
    """Says in a sentence why it is not."""
    _is_sure: bool = field(default=False, init=False)

    async def check(self) -> None:
        """Raise UnconfinedError while it is not held, and whatever keeps us from seeing it."""
        if self._is_sure:
            return
        if freedom := await self.find_freedom():
            raise UnconfinedError(freedom)
        self._is_sure = True


async def missing_streams(wire: Wire) -> list[str]:
    """Return the declared streams that the server lacks; every NATS user may ask. Raises BusError."""
    there = (await ask_admin(wire, "STREAM.NAMES")).get("streams") or ()
    return [stream.name for stream in STREAMS if stream.name not in there]


async def missing_durables(wire: Wire, declared: Iterable[Durable]) -> list[str]:
    """Return the declared durables that the server lacks, as `STREAM.name`; the admin may ask.

    Those of a stream that is missing are not listed. Raises BusError.
    """
    absent, durables = await missing_streams(wire), tuple(declared)
    streams = {one.stream for one in durables} - {*absent}
    there = {f"{stream}.{one['name']}" for stream in streams for one in await consumers(wire, stream)}
    wanted = {f"{one.stream}.{one.name}" for one in durables if one.stream in streams}
    return sorted(wanted - there)
