"""The in-memory twin of the bus, for tests and for looking at one actor in a notebook.

It keeps what the port promises, with the streams and durables as declared. It has no history beyond its own
life, no age limits and no permissions. With a `ManualClock` nothing has to be waited for.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from subjects.bus import BusRefusedError, OnDelivery, OnReturned, Receipt, Stored
from subjects.codec import Envelope
from subjects.matching import covers_any
from subjects.memory_clock import Action, Clock, LoopClock, ManualClock
from subjects.memory_durable import MemoryDurable, MemoryInlet
from subjects.memory_stream import MemoryStream
from subjects.schedule import ROLLUP, SCHEDULE, due, is_recurring, seconds_until_due
from subjects.streams import STREAMS, Durable, Stream

__all__ = ["LoopClock", "ManualClock", "MemoryBus"]

ADVISORY: Final = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES"


class MemoryBus:
    """`subjects.bus.Bus` without a server."""

    def __init__(self, streams: tuple[Stream, ...] = STREAMS, *, clock: Clock | None = None) -> None:
        self.clock = clock or LoopClock()
        self.streams = {stream.name: MemoryStream(stream) for stream in streams}
        self.durables: dict[tuple[str, str], MemoryDurable] = {}
        self._schedules: dict[str, Action] = {}

    def ensure(self, *durables: Durable) -> None:
        """Create durables that do not exist yet; they deliver from the beginning of their stream."""
        for declared in durables:
            key = declared.stream, declared.name
            if key not in self.durables:
                stream = self._stream(declared.stream)
                durable = MemoryDurable(declared, stream, self.clock, self._exceeded)
                self.durables[key] = durable
                stream.followers.append(durable.wake)

    async def publish(self, envelope: Envelope) -> Receipt:
        """Store one message in the stream that takes its subject."""
        return self._publish(envelope)

    async def open_inlet(
        self, durable: Durable, on_delivery: OnDelivery, on_returned: OnReturned
    ) -> MemoryInlet:
        """Open a line to a durable, which is created if need be."""
        self.ensure(durable)
        return MemoryInlet(self.durables[durable.stream, durable.name], on_delivery, on_returned)

    async def latest(self, stream: str, patterns: tuple[str, ...], *, at_least: int = 0) -> list[Stored]:
        """Return the newest of each subject; there is one replica, which is never behind `at_least`."""
        assert at_least <= self._stream(stream).last, "a sequence that was never given"  # noqa: S101 - twin
        return self._stream(stream).latest(patterns)

    async def history(self, stream: str, patterns: tuple[str, ...], after: int = 0) -> AsyncIterator[Stored]:
        """Yield what is stored above `after`."""
        for stored in tuple(self._stream(stream).matching(patterns, after)):
            yield stored

    @asynccontextmanager
    async def tail(self, stream: str, patterns: tuple[str, ...]) -> AsyncIterator[AsyncIterator[Stored]]:
        """Yield what is stored from now on."""
        waiting: deque[Stored] = deque()
        arrived = asyncio.Event()

        def follow(stored: Stored) -> None:
            if covers_any(patterns, stored.subject):
                waiting.append(stored)
                arrived.set()

        async def messages() -> AsyncIterator[Stored]:
            while True:
                while waiting:
                    yield waiting.popleft()
                arrived.clear()
                await arrived.wait()

        followers = self._stream(stream).followers
        followers.append(follow)
        try:
            yield messages()
        finally:
            followers.remove(follow)

    async def find(self, stream: str, sequence: int) -> Stored | None:
        """Return one stored message or None."""
        return self._stream(stream).messages.get(sequence)

    async def remove(self, stream: str, sequence: int) -> bool:
        """Delete one stored message."""
        return self._stream(stream).remove(sequence)

    async def ping(self) -> float:
        """Return no time at all."""
        return 0.0

    def _stream(self, name: str) -> MemoryStream:
        if name not in self.streams:
            raise BusRefusedError(f"there is no stream {name}")
        return self.streams[name]

    def _publish(self, envelope: Envelope) -> Receipt:
        for stream in self.streams.values():
            if covers_any(stream.declared.subjects, envelope.subject):
                receipt = stream.append(envelope, self.clock.now())
                if stream.declared.schedules and SCHEDULE in envelope.headers and not receipt.duplicate:
                    self._schedule(stream, receipt.sequence)
                return receipt
        raise BusRefusedError(f"{envelope.subject}: no stream takes it")

    def _schedule(self, stream: MemoryStream, sequence: int) -> None:
        """Keep one schedule per subject and set the clock for it."""
        stored = stream.messages[sequence]
        stream.roll_up(stored)
        self._schedules.pop(stored.subject, lambda: None)()
        seconds = seconds_until_due(stored.headers[SCHEDULE], self.clock.now())
        self._schedules[stored.subject] = self.clock.later(seconds, lambda: self._fall_due(stream, sequence))

    def _fall_due(self, stream: MemoryStream, sequence: int) -> None:
        stored = stream.messages.get(sequence)
        if stored is None:  # cancelled by removing it
            return
        said = self._publish(due(stored))
        if ROLLUP in stored.headers:
            stream.roll_up(stream.messages[said.sequence])
        if is_recurring(stored.headers[SCHEDULE]):
            self._schedule(stream, sequence)
        else:
            stream.remove(sequence)

    def _exceeded(self, durable: Durable, stored: Stored, deliveries: int) -> None:
        """Say what nats-server says when a message has used up its deliveries (its JSON schema's fields)."""
        advisory = {
            "type": "io.nats.jetstream.advisory.v1.max_deliver",
            "id": f"{durable.stream}-{durable.name}-{stored.sequence}",
            "timestamp": self.clock.now().isoformat(),
            "stream": durable.stream,
            "consumer": durable.name,
            "stream_seq": stored.sequence,
            "deliveries": deliveries,
        }
        subject = f"{ADVISORY}.{durable.stream}.{durable.name}"
        if any(covers_any(one.declared.subjects, subject) for one in self.streams.values()):
            self._publish(Envelope(subject, msgspec.json.encode(advisory)))
