"""One message of a durable, and the four answers to it (nats-server's ack protocol)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from subjects.bus import Stored
from subjects.streams import nanoseconds
from subjects.wire import Heard, Wire

ACK_PREFIX: Final = "$JS.ACK."
_OLD_FORM_TOKENS: Final = 9
NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """What the reply subject of a delivered message says about it."""

    stream: str
    consumer: str
    attempt: int
    sequence: int
    consumer_sequence: int
    stored_ns: int
    waiting: int

    @classmethod
    def parse(cls, reply: str) -> "Place":
        """Take `$JS.ACK.[<domain>.<account>.]<stream>.<durable>.<five numbers>[.<random>]` apart (ADR-15)."""
        tokens = reply.split(".")
        first = 2 if len(tokens) == _OLD_FORM_TOKENS else 4
        stream, consumer, *numbers = tokens[first : first + 7]
        attempt, sequence, consumer_sequence, stored_ns, waiting = map(int, numbers)
        return cls(stream, consumer, attempt, sequence, consumer_sequence, stored_ns, waiting)


def moment(nanoseconds_since_epoch: int) -> datetime:
    """Return a time as the server counts it, to the microsecond."""
    seconds, rest = divmod(nanoseconds_since_epoch, NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def stored(heard: Heard, place: Place) -> Stored:
    """Return a delivered message as the stream keeps it."""
    return Stored(heard.subject, heard.headers or {}, heard.data, place.sequence, moment(place.stored_ns))


class JetStreamDelivery:
    """A delivery whose answers go to its reply subject, without waiting for the server's word."""

    __slots__ = ("_place", "_reply", "_wire", "extra", "stored")

    def __init__(self, wire: Wire, heard: Heard, *, extra: bool) -> None:
        self._wire, self._reply, self._place = wire, heard.reply, Place.parse(heard.reply)
        self.stored = stored(heard, self._place)
        self.extra = extra

    @property
    def stream(self) -> str:
        """The stream it came from."""
        return self._place.stream

    @property
    def attempt(self) -> int:
        """Which delivery this is, from 1."""
        return self._place.attempt

    @property
    def waiting(self) -> int:
        """How many more the durable had when this one left."""
        return self._place.waiting

    async def ack(self) -> None:
        """Done."""
        await self._wire.send(self._reply)

    async def nak(self, delay_seconds: float) -> None:
        """Again after a while. The bare form comes back at once and ignores any backoff."""
        delay = nanoseconds(delay_seconds)
        await self._wire.send(self._reply, b'-NAK {"delay": %d}' % delay if delay > 0 else b"-NAK")

    async def extend(self) -> None:
        """Still at it."""
        await self._wire.send(self._reply, b"+WPI")

    async def terminate(self, reason: str) -> None:
        """Never again. The reason shows in the server's advisory."""
        await self._wire.send(self._reply, b"+TERM " + reason.encode())
