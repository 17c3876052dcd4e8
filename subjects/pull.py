"""An inlet over JetStream's pull requests, with exact accounting.

Each request has a line (a subscription) to itself, because a message does not say which request it answers:
it arrives under its own subject. A line is used again once its request is settled. A request ends with its
last message, with a status, or by a timer when its server or its heartbeats are gone.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count as counter
from typing import Final

import msgspec

from subjects.bus import OnDelivery, OnReturned
from subjects.delivery import ACK_PREFIX, JetStreamDelivery
from subjects.streams import Durable, nanoseconds
from subjects.wire import API, DESCRIPTION, Heard, Line, Wire, status_of

logger = logging.getLogger(__name__)

GRACE_SECONDS: Final = 1.0
"""How long after its expiry a request's last words may take before it is given back without them."""
LATE_SECONDS: Final = 30.0
"""How long a line is still listened to after its request was given up."""
PAUSE_SECONDS: Final = 0.5
"""How long a request that nobody takes is held, so that asking again is no hot loop."""
HEARTBEAT_SECONDS: Final = 2.0
_HEARTBEATS_FROM_SECONDS: Final = 5.0
_SILENCE_SECONDS: Final = 2.5 * HEARTBEAT_SECONDS


def request_body(count: int, wait_seconds: float) -> bytes:
    """Return a pull request: `no_wait` for what waits now, else one that expires, with heartbeats if long."""
    if wait_seconds <= 0:
        return msgspec.json.encode({"batch": count, "no_wait": True})
    body = {"batch": count, "expires": nanoseconds(wait_seconds)}
    if wait_seconds >= _HEARTBEATS_FROM_SECONDS:
        body["idle_heartbeat"] = nanoseconds(HEARTBEAT_SECONDS)
    return msgspec.json.encode(body)


@dataclass(slots=True, eq=False)
class Request:
    """A request under way, or settled when `remaining` is 0."""

    line: Line | None = None
    subject: str = ""
    remaining: int = 0
    ends_at: float = 0.0
    silent_at: float = float("inf")
    lost: bool = False
    """Its connection broke; it is given back once there is another."""
    timer: asyncio.TimerHandle | None = None

    @property
    def due_at(self) -> float:
        """When it is given up if nothing more is heard."""
        return min(self.ends_at, self.silent_at)


@dataclass(slots=True, eq=False)
class JetStreamInlet:
    """A replica's open line to one durable; see `subjects.bus.Inlet`."""

    wire: Wire
    durable: Durable
    on_delivery: OnDelivery
    on_returned: OnReturned
    _idle: list[Request] = field(default_factory=list)
    _under_way: set[Request] = field(default_factory=set)
    _given_up: list[tuple[float, Request]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=counter)
    _closed: bool = False
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    async def request(self, count: int, wait_seconds: float) -> None:
        """Ask for up to `count` messages; every one of them is delivered or given back."""
        if count <= 0:
            return
        if self._closed:
            self.on_returned(count)
            return
        await self._forget_late_lines()
        request = self._idle.pop() if self._idle else await self._open()
        self._begin(request, count, wait_seconds)
        if not request.lost:
            subject = f"{API}.CONSUMER.MSG.NEXT.{self.durable.stream}.{self.durable.name}"
            await self.wire.send(subject, request_body(count, wait_seconds), reply=request.subject)

    async def close(self) -> None:
        """Give back what is outstanding; late messages go back to the broker for another replica."""
        if self._closed:
            return
        self._closed = True
        self.wire.unwatch(self)
        open_requests = [*self._idle, *self._under_way, *(request for _, request in self._given_up)]
        for request in tuple(self._under_way):
            self._give_back(request)
        await asyncio.gather(*(request.line.drain() for request in open_requests if request.line))

    async def lost(self) -> None:
        """Drop the lines of all requests: their interest must not outlive them on another server."""
        for request in tuple(self._under_way):
            request.lost = True
            if request.line is not None:
                await request.line.close()
                request.line = None

    async def back(self) -> None:
        """Give back what the broken connection took along."""
        for request in [one for one in self._under_way if one.lost]:
            self._give_back(request)

    async def _open(self) -> Request:
        request = Request()

        async def on_heard(heard: Heard) -> None:
            await self._hear(request, heard)

        request.line = await self.wire.open_line(on_heard)
        return request

    def _begin(self, request: Request, count: int, wait_seconds: float) -> None:
        now = self._loop.time()
        request.subject = f"{request.line.prefix}.{next(self._numbers)}" if request.line else ""
        request.remaining = count
        request.lost = not self.wire.connected
        request.ends_at = now + max(wait_seconds, PAUSE_SECONDS) + GRACE_SECONDS
        beats = wait_seconds >= _HEARTBEATS_FROM_SECONDS
        request.silent_at = now + _SILENCE_SECONDS if beats else float("inf")
        request.timer = self._loop.call_at(request.due_at, self._look_at, request)
        self._under_way.add(request)

    async def _hear(self, request: Request, heard: Heard) -> None:
        if heard.reply.startswith(ACK_PREFIX):
            await self._take(request, heard)
        elif heard.subject == request.subject and request.remaining:
            self._end(request, status_of(heard), (heard.headers or {}).get(DESCRIPTION, ""))

    async def _take(self, request: Request, heard: Heard) -> None:
        delivery = JetStreamDelivery(self.wire, heard, extra=request.remaining == 0)
        if self._closed:
            await delivery.nak(0.0)
            return
        if request.remaining:
            request.remaining -= 1
            self._heartbeat(request)
            if not request.remaining:
                self._settle(request)
                self._idle.append(request)
        self.on_delivery(delivery)

    def _end(self, request: Request, status: str, description: str) -> None:
        match status, description:
            case "100", _:
                self._heartbeat(request)
            case (("404" | "408"), _):
                self._give_back(request)
            case "409", ("Leadership Change" | "Server Shutdown"):
                self._give_up(request)
            case _:
                logger.warning("%s takes no request: %s %s", self.durable.name, status, description)
                request.ends_at = self._loop.time() + PAUSE_SECONDS
                self._look_later(request)

    def _heartbeat(self, request: Request) -> None:
        if request.silent_at != float("inf"):
            request.silent_at = self._loop.time() + _SILENCE_SECONDS

    def _look_later(self, request: Request) -> None:
        if request.timer is not None:
            request.timer.cancel()
        request.timer = self._loop.call_at(request.due_at, self._look_at, request)

    def _look_at(self, request: Request) -> None:
        """Give up a request that is due; one that was heard of meanwhile is looked at again later."""
        if self._loop.time() < request.due_at:
            self._look_later(request)
        else:
            self._give_up(request)

    def _give_up(self, request: Request) -> None:
        """Give back, but keep listening for a while: what still comes is delivered as extra."""
        self._given_up.append((self._loop.time() + LATE_SECONDS, request))
        remaining = self._settle(request)
        self.on_returned(remaining)

    def _give_back(self, request: Request) -> None:
        if request.line is not None:
            self._idle.append(request)
        remaining = self._settle(request)
        self.on_returned(remaining)

    def _settle(self, request: Request) -> int:
        self._under_way.discard(request)
        if request.timer is not None:
            request.timer.cancel()
        remaining, request.remaining = request.remaining, 0
        return remaining

    async def _forget_late_lines(self) -> None:
        now = self._loop.time()
        while self._given_up and self._given_up[0][0] < now:
            _, request = self._given_up.pop(0)
            if request.line is not None:
                await request.line.close()
