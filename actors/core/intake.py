"""Claims messages for free slots: no more than there are, the urgent first.

A replica never holds a message it is not working on, so a crash holds none hostage and an idle replica
elsewhere is never starved by a busy one here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from actors.core.claims import Ask, stand_in_line, sweep_order
from subjects.bus import Bus, Delivery, Inlet
from subjects.streams import Durable

logger = logging.getLogger(__name__)

Carry = Callable[[Delivery], Awaitable[bool]]
"""Brings a message to an answer; True when that is its end, False when it will come again."""
Key = tuple[str, int]
"""Stream and sequence: which message it is, whichever delivery."""


@dataclass(slots=True)
class Line:
    """One durable, its open inlet, and how many messages of it we have asked for."""

    durable: Durable
    inlet: Inlet | None = None
    outstanding: int = 0

    async def ask(self, count: int, wait_seconds: float) -> None:
        """Ask for messages; what cannot be asked is given back by the inlet."""
        if self.inlet is not None:
            self.outstanding += count
            await self.inlet.request(count, wait_seconds)


@dataclass(slots=True)
class Intake:
    """The slots of one actor in one process, and the lines that fill them."""

    bus: Bus
    durables: tuple[Durable, ...]
    slots: int
    carry: Carry
    home: int = 0
    """Which of the durables nearly all messages come by."""
    lines: list[Line] = field(default_factory=list)
    running: dict[Key, asyncio.Task[bool]] = field(default_factory=dict)
    again: dict[Key, Delivery] = field(default_factory=dict)
    """Messages that were delivered once more while we are still at them."""
    backlog: bool = True
    turn: int = 0
    claimed: int = 0
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def free(self) -> int:
        """Slots that are neither at work nor promised to a request."""
        return self.slots - len(self.running) - sum(line.outstanding for line in self.lines)

    async def run(self, grace_seconds: float) -> None:
        """Claim and carry messages until `drain`, then finish what runs within the grace period."""
        self.lines = [Line(durable) for durable in self.durables]
        for line in self.lines:
            line.inlet = await self.bus.open_inlet(
                line.durable, self._deliver_to(line), self._return_to(line)
            )
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._claim_until_drained()
            await self._finish(grace_seconds)

    def drain(self) -> None:
        """Stop claiming; `run` returns when what is under way has ended."""
        self.draining.set()
        self.changed.set()

    _group: asyncio.TaskGroup = field(init=False, repr=False)

    async def _claim_until_drained(self) -> None:
        while not self.draining.is_set():
            self.changed.clear()
            if self.free <= 0:
                await self.changed.wait()
            elif self.backlog:
                await self._sweep()
            else:
                await self._stand()
                await self.changed.wait()

    async def _sweep(self) -> None:
        """Take what waits, line by line, until the slots are full or every line is empty."""
        self.turn += 1
        before = self.claimed
        for number in sweep_order(len(self.lines), self.turn):
            if self.free <= 0 or self.draining.is_set():
                return
            line = self.lines[number]
            standing = line.outstanding
            await line.ask(self.free, 0)
            while line.outstanding > standing and not self.draining.is_set():
                self.changed.clear()
                await self.changed.wait()
        self.backlog = self.claimed > before

    async def _stand(self) -> None:
        self.turn += 1
        standing = frozenset(number for number, line in enumerate(self.lines) if line.outstanding)
        asks: tuple[Ask, ...] = stand_in_line(self.free, len(self.lines), self.home, self.turn, standing)
        for ask in asks:
            await self.lines[ask.line].ask(ask.count, ask.wait_seconds)

    def _deliver_to(self, line: Line) -> Callable[[Delivery], None]:
        def deliver(delivery: Delivery) -> None:
            line.outstanding -= 0 if delivery.extra else 1
            self.claimed += 1
            self.backlog = self.backlog or delivery.waiting > 0
            self.changed.set()
            key = (delivery.stream, delivery.stored.sequence)
            if key in self.running:
                # Its sign of life came late, or its answer overtook the end of its task: one at a time.
                self.again[key] = delivery
            else:
                self._begin(key, delivery)

        return deliver

    def _return_to(self, line: Line) -> Callable[[int], None]:
        def returned(count: int) -> None:
            line.outstanding -= count
            self.changed.set()

        return returned

    def _begin(self, key: Key, delivery: Delivery) -> None:
        task = self._group.create_task(self._carry(key, delivery))
        self.running[key] = task
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: Key, task: asyncio.Task[bool]) -> None:
        del self.running[key]
        again = self.again.pop(key, None)
        finished = not task.cancelled() and task.result()
        if again is not None and not finished and not self.draining.is_set():
            self._begin(key, again)
        self.changed.set()

    async def _carry(self, key: Key, delivery: Delivery) -> bool:
        if self.draining.is_set():
            await self._give_back(delivery)
            return False
        try:
            return await self.carry(delivery)
        except asyncio.CancelledError:
            await self._give_back(delivery)
            raise
        except Exception:
            # The runner answers for every error of a handler; what arrives here is its own failure. The
            # message is not answered, so it comes again after the ack wait, here or elsewhere.
            logger.exception("could not carry %s %s", *key)
            return False

    async def _give_back(self, delivery: Delivery) -> None:
        with suppress(Exception):
            await delivery.nak(0.0)

    async def _finish(self, grace_seconds: float) -> None:
        """Let running work end within the grace period, then give the rest back.

        The lines close first: a message that came now would be handed from slot to slot of this replica,
        and lose a delivery each time.
        """
        for line in self.lines:
            if line.inlet is not None:
                await line.inlet.close()
        if self.running:
            await asyncio.wait(tuple(self.running.values()), timeout=grace_seconds)
        for task in tuple(self.running.values()):
            task.cancel()
