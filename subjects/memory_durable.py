"""One durable consumer in memory: who asked, what is being worked on, what must come again."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from subjects.bus import OnDelivery, OnReturned, Stored
from subjects.memory_clock import Action, Clock
from subjects.memory_stream import MemoryStream
from subjects.streams import Durable


@dataclass(slots=True, eq=False)
class MemoryRequest:
    """A standing request of one inlet."""

    inlet: "MemoryInlet"
    remaining: int
    stands: bool
    cancel: Action | None = None


@dataclass(slots=True, eq=False)
class MemoryDurable:
    """The state that nats-server keeps for one durable."""

    declared: Durable
    stream: MemoryStream
    clock: Clock
    on_exceeded: Callable[[Durable, Stored, int], None]
    cursor: int = 0
    attempts: dict[int, int] = field(default_factory=dict)
    in_flight: dict[int, Action] = field(default_factory=dict)
    """By sequence: what cancels the timer that makes it come again."""
    again: deque[int] = field(default_factory=deque)
    requests: deque[MemoryRequest] = field(default_factory=deque)

    def new(self, after: int) -> list[Stored]:
        """Return what was never delivered."""
        return list(self.stream.matching(self.declared.filters, after))

    def wake(self, _stored: Stored) -> None:
        """Something new was stored."""
        if self.requests:
            self.pump_soon()

    def pump_soon(self) -> None:
        """Serve requests once the present call is over, as an answer from a server would come."""
        asyncio.get_running_loop().call_soon(self.pump)

    def pump(self) -> None:
        """Serve the standing requests in turn, one message each, while there is anything to deliver."""
        while self.requests and (stored := self._take()) is not None:
            request = self.requests.popleft()
            request.remaining -= 1
            if request.remaining:
                self.requests.append(request)
            elif request.cancel is not None:
                request.cancel()
            self._deliver(stored, request.inlet)
        for request in [one for one in self.requests if not one.stands]:
            self.give_back(request)

    def give_back(self, request: MemoryRequest) -> None:
        """End a request; what it did not get is returned."""
        if request in self.requests:
            self.requests.remove(request)
            if request.cancel is not None:
                request.cancel()
            request.inlet.on_returned(request.remaining)

    def settle(self, sequence: int) -> None:
        """Never deliver it again; on a work queue it is gone."""
        self._rest(sequence)
        self.attempts.pop(sequence, None)
        if sequence in self.again:
            self.again.remove(sequence)
        if self.stream.declared.retention == "workqueue":
            self.stream.remove(sequence)
        self.pump_soon()

    def postpone(self, sequence: int, delay_seconds: float) -> None:
        """Deliver it again after a while."""
        if sequence in self.in_flight:
            self._hold(sequence, delay_seconds)
            if delay_seconds <= 0:
                self._come_again(sequence)

    def extend(self, sequence: int) -> None:
        """Start its ack wait anew."""
        if sequence in self.in_flight:
            self._hold(sequence, self.declared.ack_wait_seconds)

    def _take(self) -> Stored | None:
        """Return what comes next: first what must come again, then what is new."""
        while self.again:
            stored = self.stream.messages.get(self.again.popleft())
            if stored is not None:
                return stored
        if len(self.in_flight) >= self.declared.max_ack_pending:
            return None
        stored = next(self.stream.matching(self.declared.filters, self.cursor), None)
        self.cursor = stored.sequence if stored else self.cursor
        return stored

    def _deliver(self, stored: Stored, inlet: "MemoryInlet") -> None:
        sequence = stored.sequence
        self.attempts[sequence] = self.attempts.get(sequence, 0) + 1
        self._hold(sequence, self.declared.ack_wait_seconds)
        waiting = len(self.new(self.cursor))
        inlet.on_delivery(MemoryDelivery(self, stored, self.attempts[sequence], waiting))

    def _hold(self, sequence: int, seconds: float) -> None:
        self._rest(sequence)
        self.in_flight[sequence] = self.clock.later(seconds, lambda: self._come_again(sequence))

    def _rest(self, sequence: int) -> None:
        if sequence in self.in_flight:
            self.in_flight.pop(sequence)()

    def _come_again(self, sequence: int) -> None:
        self._rest(sequence)
        stored, attempts = self.stream.messages.get(sequence), self.attempts.get(sequence, 0)
        if stored is not None and 0 < self.declared.max_deliver <= attempts:
            self.on_exceeded(self.declared, stored, attempts)
        elif stored is not None:
            self.again.append(sequence)
        self.pump_soon()


@dataclass(slots=True, eq=False)
class MemoryInlet:
    """A replica's open line to a durable in memory."""

    durable: MemoryDurable
    on_delivery: OnDelivery
    on_returned: OnReturned
    closed: bool = False

    async def request(self, count: int, wait_seconds: float) -> None:
        """Ask for messages; see the port."""
        if count <= 0:
            return
        if self.closed:
            self.on_returned(count)
            return
        request = MemoryRequest(self, count, stands=wait_seconds > 0)
        if request.stands:
            give_back = self.durable.give_back
            request.cancel = self.durable.clock.later(wait_seconds, lambda: give_back(request))
        self.durable.requests.append(request)
        self.durable.pump_soon()

    async def close(self) -> None:
        """Give back what is outstanding."""
        self.closed = True
        for request in [one for one in self.durable.requests if one.inlet is self]:
            self.durable.give_back(request)


@dataclass(frozen=True, slots=True, eq=False)
class MemoryDelivery:
    """One message handed out."""

    durable: MemoryDurable
    stored: Stored
    attempt: int
    waiting: int
    extra: bool = False

    @property
    def stream(self) -> str:
        """The stream it came from."""
        return self.durable.declared.stream

    async def ack(self) -> None:
        """Done."""
        self.durable.settle(self.stored.sequence)

    async def nak(self, delay_seconds: float) -> None:
        """Again after a while."""
        self.durable.postpone(self.stored.sequence, delay_seconds)

    async def extend(self) -> None:
        """Still at it."""
        self.durable.extend(self.stored.sequence)

    async def terminate(self, reason: str) -> None:  # noqa: ARG002 - the server only logs it
        """Never again."""
        self.durable.settle(self.stored.sequence)
