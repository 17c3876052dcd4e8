"""The bus port: what the house needs from a broker, and exactly what it may rely on.

`jetstream.py` speaks to nats-server, `memory.py` is the twin; both pass `tests/contract/test_bus.py`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from subjects.codec import Envelope
from subjects.streams import Durable


class BusError(Exception):
    """Base of what can go wrong on the bus.

    BusError
    ├── BusUnavailableError   the broker did not answer in time: say it again later, with the same id
    └── BusRefusedError       the broker answered no: a missing stream or permission; repeating is useless
    """


class BusUnavailableError(BusError):
    """The broker did not answer in time. Whether it heard is unknown: repeat with the same message id."""


class BusRefusedError(BusError):
    """The broker answered no. The text says what is missing and what to run."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The broker's word that a message is stored."""

    stream: str
    sequence: int
    duplicate: bool
    """True when the id was known: nothing new was stored, `sequence` is the first one's."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as a stream keeps it."""

    subject: str
    headers: dict[str, str]
    body: bytes
    sequence: int
    stored_at: datetime


class Delivery(Protocol):
    """One message handed to one replica, which must answer before the ack wait runs out.

    Every answer may be given again; an answer that the broker does not hear means redelivery.
    """

    @property
    def stored(self) -> Stored:
        """The message."""

    @property
    def stream(self) -> str:
        """The stream it came from."""

    @property
    def attempt(self) -> int:
        """Which delivery this is, from 1."""

    @property
    def waiting(self) -> int:
        """How many more messages the durable had for us when this one left."""

    @property
    def extra(self) -> bool:
        """True when its request had been given back before it came (see `Inlet.request`)."""

    async def ack(self) -> None:
        """Done: never deliver it again. Returns once sent; a lost ack costs a redelivery."""

    async def nak(self, delay_seconds: float) -> None:
        """Not done: deliver it again after `delay_seconds`."""

    async def extend(self) -> None:
        """Still at it: start the ack wait anew."""

    async def terminate(self, reason: str) -> None:
        """Given up: never deliver it again. Write the dead letter first."""


class Inlet(Protocol):
    """A replica's open line to one durable. Delivers only what was asked for."""

    async def request(self, count: int, wait_seconds: float) -> None:
        """Ask for up to `count` messages; the request stands for `wait_seconds` (0: only what waits now).

        Exactly `count` answers follow, each either a call of `on_delivery` or part of a call of
        `on_returned`: a request that expired, or was lost with its server, is given back. So the caller
        always knows how many it has outstanding. Never raises for a lost connection: it gives back.

        A message may still come for a request that was given back because its server seemed lost. It is
        delivered all the same and says `extra`: do not count it against what is outstanding.
        """

    async def close(self) -> None:
        """Stop delivering, and give back all that is outstanding before returning.

        What arrives too late is handed back to the broker unseen. What was delivered and not answered
        can still be answered, and else comes again after its ack wait.
        """


OnDelivery = Callable[[Delivery], None]
OnReturned = Callable[[int], None]


class Bus(Protocol):
    """Publish, consume and read back. Safe for any number of concurrent callers in one event loop."""

    async def publish(self, envelope: Envelope) -> Receipt:
        """Store one message and return once the broker says it is kept.

        A message id known within the duplicate window stores nothing and says `duplicate`.
        Raises BusUnavailableError after a few seconds without an answer, BusRefusedError when no stream
        takes the subject.
        """

    async def open_inlet(self, durable: Durable, on_delivery: OnDelivery, on_returned: OnReturned) -> Inlet:
        """Open a line to an existing durable. The callbacks run on the loop and must not block."""

    async def latest(self, stream: str, patterns: tuple[str, ...], *, at_least: int = 0) -> list[Stored]:
        """Return the newest stored message of each concrete subject that matches any pattern, by sequence.

        For patterns about one video: the answer is small. Reads what was stored before the call at least.
        Whoever holds a matching message of the stream passes its sequence as `at_least`: that saves a
        question to the stream's leader, and the answer is sure to hold all that was stored up to it.
        Raises BusUnavailableError when no replica is so far yet, BusRefusedError when more than 1024
        subjects match.
        """

    def history(self, stream: str, patterns: tuple[str, ...], after: int = 0) -> AsyncIterator[Stored]:
        """Yield what matches with a sequence above `after`, in order, up to the newest, then end.

        The newest is that of the call; later ones may be among them. Raises BusUnavailableError.
        """

    def tail(
        self, stream: str, patterns: tuple[str, ...]
    ) -> AbstractAsyncContextManager[AsyncIterator[Stored]]:
        """Yield messages stored from now on, in order, without gaps across reconnects, until left.

        Entering returns once the line is open: what is stored after that is not missed. A stream that
        itself lost its end (memory, power) is followed from its new end on.
        """

    async def find(self, stream: str, sequence: int) -> Stored | None:
        """Return one stored message, or None when it is gone."""

    async def remove(self, stream: str, sequence: int) -> bool:
        """Delete one stored message; False when it was already gone.

        One that was delivered and not answered yet does not come again; its answers change nothing.
        """

    async def ping(self) -> float:
        """Return the seconds of one round trip. Raises BusUnavailableError."""
