"""The bus over JetStream's protocol, on any wire. `jetstream.connect` opens one."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

import msgspec

from subjects import readback, tail
from subjects.bus import BusRefusedError, BusUnavailableError, OnDelivery, OnReturned, Receipt, Stored
from subjects.codec import Envelope
from subjects.pull import JetStreamInlet
from subjects.streams import Durable
from subjects.wire import ApiError, Wire, ask_api, refusal


class PubAck(msgspec.Struct, frozen=True):
    """The server's answer to a publish (ADR-1 of nats-architecture-and-design)."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: ApiError | None = None


_PUB_ACK: Final = msgspec.json.Decoder(PubAck)


@dataclass(frozen=True, slots=True)
class JetStreamBus:
    """`subjects.bus.Bus` over one connection."""

    wire: Wire

    async def publish(self, envelope: Envelope) -> Receipt:
        """Store one message; see the port."""
        subject = envelope.subject
        heard = await self.wire.ask(subject, envelope.body, headers=envelope.headers)
        if not heard.data:
            raise await self._nobody_took(subject)
        acknowledged = _PUB_ACK.decode(heard.data)
        if acknowledged.error is not None:
            raise refusal(subject, acknowledged.error)
        return Receipt(acknowledged.stream, acknowledged.seq, acknowledged.duplicate)

    async def open_inlet(
        self, durable: Durable, on_delivery: OnDelivery, on_returned: OnReturned
    ) -> JetStreamInlet:
        """Open a line to a durable; see the port."""
        inlet = JetStreamInlet(self.wire, durable, on_delivery, on_returned)
        self.wire.watch(inlet)
        return inlet

    async def latest(self, stream: str, patterns: tuple[str, ...], *, at_least: int = 0) -> list[Stored]:
        """Return the newest of each subject; see the port."""
        return await readback.latest(self.wire, stream, patterns, at_least)

    def history(self, stream: str, patterns: tuple[str, ...], after: int = 0) -> AsyncIterator[Stored]:
        """Yield what is stored; see the port."""
        return readback.history(self.wire, stream, patterns, after)

    def tail(
        self, stream: str, patterns: tuple[str, ...]
    ) -> AbstractAsyncContextManager[AsyncIterator[Stored]]:
        """Yield what will be stored; see the port."""
        return tail.tail(self.wire, stream, patterns)

    async def find(self, stream: str, sequence: int) -> Stored | None:
        """Return one stored message or None."""
        return await readback.find(self.wire, stream, {"seq": sequence})

    async def remove(self, stream: str, sequence: int) -> bool:
        """Delete one stored message."""
        return await readback.remove(self.wire, stream, sequence)

    async def ping(self) -> float:
        """Return the seconds of one round trip."""
        return await self.wire.ping()

    async def _nobody_took(self, subject: str) -> BusUnavailableError | BusRefusedError:
        """Tell a missing stream from one whose leader is being elected: both are 'no responders'.

        The metadata knows: a stream that is assigned has a name even while it has no leader.
        """
        answer = await ask_api(self.wire, "STREAM.NAMES", {"subject": subject})
        if answer.get("streams"):
            return BusUnavailableError(f"{subject}: its stream has no leader at the moment")
        return BusRefusedError(f"{subject}: no stream takes it; run `truthtok nats apply`")
