"""Following a stream: an ordered, unacknowledged consumer that is made anew wherever it breaks off.

The consumer is an ephemeral push consumer made on the API's subject without a name: the one permission
that cannot touch anybody's durable. Its messages are numbered without gaps; a missing number, a missed
heartbeat or a new connection means a new consumer from the last sequence seen.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import uniform
from typing import Any, Final

from subjects.bus import BusError, Stored
from subjects.delivery import ACK_PREFIX, Place, stored
from subjects.streams import nanoseconds
from subjects.wire import STATUS, Heard, Line, Wire, ask_api

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 2.0
SILENCE_SECONDS: Final = 2.5 * HEARTBEAT_SECONDS
FORGOTTEN_SECONDS: Final = 30.0
"""How long the server keeps the consumer of a process that died."""
_FLOW_CONTROL_PREFIX: Final = "$JS.FC."


@asynccontextmanager
async def tail(wire: Wire, stream: str, patterns: tuple[str, ...]) -> AsyncIterator[AsyncIterator[Stored]]:
    """Open a tail; entering returns once the server follows."""
    follower = Follower(wire, stream, patterns)
    await follower.start()
    try:
        yield follower.messages()
    finally:
        await follower.close()


def consumer(deliver_to: str, patterns: tuple[str, ...], start: int) -> dict[str, Any]:
    """Return the ConsumerConfig of an ordered push consumer (ADR-17)."""
    return {
        "deliver_subject": deliver_to,
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": start,
        "filter_subjects": list(patterns),
        "ack_policy": "none",
        "max_deliver": 1,
        "flow_control": True,
        "idle_heartbeat": nanoseconds(HEARTBEAT_SECONDS),
        "inactive_threshold": nanoseconds(FORGOTTEN_SECONDS),
        "mem_storage": True,
        "num_replicas": 1,
    }


@dataclass(slots=True, eq=False)
class Follower:
    """One tail: its present consumer, and how far it has come."""

    wire: Wire
    stream: str
    patterns: tuple[str, ...]
    position: int = 0
    expected: int = 1
    line: Line | None = None
    queue: deque[Heard | None] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Follow from the stream's present end."""
        self.position = await self._last_sequence()
        await self._follow(self.position + 1)
        self.wire.watch(self)

    async def close(self) -> None:
        """Listen no more; the server drops the consumer for lack of interest."""
        self.wire.unwatch(self)
        if self.line is not None:
            await self.line.close()

    async def lost(self) -> None:
        """Nothing to do until there is a connection again."""

    async def back(self) -> None:
        """Make the reader look for a gap at once instead of waiting for heartbeats to fail."""
        self._push(None)

    async def messages(self) -> AsyncIterator[Stored]:
        """Yield messages for ever."""
        while True:
            heard = await self._next()
            if heard is None or self._broken(heard):
                await self._follow_again()
            elif not heard.reply.startswith(ACK_PREFIX):
                await self._answer_flow_control(heard)
            elif (message := stored(heard, Place.parse(heard.reply))).sequence > self.position:
                self.position = message.sequence
                yield message

    def _broken(self, heard: Heard) -> bool:
        """Whether this message shows that one before it is missing, or that the consumer is gone."""
        headers = heard.headers or {}
        if heard.reply.startswith(ACK_PREFIX):
            missing = Place.parse(heard.reply).consumer_sequence != self.expected
            self.expected += 1
            return missing
        if headers.get(STATUS) != "100":
            return True
        return "Nats-Last-Consumer" in headers and int(headers["Nats-Last-Consumer"]) != self.expected - 1

    async def _answer_flow_control(self, heard: Heard) -> None:
        """Tell the server that all before this was read. While stalled its heartbeats repeat the request."""
        stalled = (heard.headers or {}).get("Nats-Consumer-Stalled", "")
        answer_to = heard.reply if heard.reply.startswith(_FLOW_CONTROL_PREFIX) else stalled
        if answer_to:
            await self.wire.send(answer_to)

    async def _next(self) -> Heard | None:
        """Return what comes next, or None when the consumer must be made anew."""
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                while not self.queue:
                    self.arrived.clear()
                    await self.arrived.wait()
        except TimeoutError:
            return None
        return self.queue.popleft()

    def _push(self, heard: Heard | None) -> None:
        self.queue.append(heard)
        self.arrived.set()

    async def _follow_again(self) -> None:
        """Go on after the last message seen; a stream that lost its end is followed from its new end.

        Also a refusal is waited out: a single server loses its streams in memory with its life, until they
        are applied again.
        """
        while True:
            try:
                self.position = min(self.position, await self._last_sequence())
                return await self._follow(self.position + 1)
            except BusError as error:
                logger.warning("tail of %s waits: %s", self.stream, error)
                await asyncio.sleep(uniform(0.1, 1.0))  # noqa: S311 - jitter

    async def _follow(self, start: int) -> None:
        if self.line is not None:
            await self.line.close()
        queue: deque[Heard | None] = deque()

        async def on_heard(heard: Heard) -> None:
            queue.append(heard)
            self.arrived.set()

        self.queue, self.expected = queue, 1
        self.line = await self.wire.open_line(on_heard, tokens=0)
        config = consumer(self.line.prefix, self.patterns, start)
        request = {"stream_name": self.stream, "config": config}
        await ask_api(self.wire, f"CONSUMER.CREATE.{self.stream}", request)

    async def _last_sequence(self) -> int:
        answer = await ask_api(self.wire, f"STREAM.INFO.{self.stream}")
        return int(answer["state"]["last_seq"])
