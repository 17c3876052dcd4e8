"""Time for the in-memory bus: the loop's own, or one that a test moves by hand."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol

Action = Callable[[], None]


class Clock(Protocol):
    """What the bus asks of time."""

    def now(self) -> datetime:
        """The time of day, UTC."""

    def later(self, seconds: float, action: Action) -> Action:
        """Call `action` after `seconds`; return what cancels it."""


class LoopClock:
    """The time of the running event loop."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    def later(self, seconds: float, action: Action) -> Action:
        """Call `action` after `seconds`; return what cancels it."""
        return asyncio.get_running_loop().call_later(seconds, action).cancel


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until it is advanced."""

    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    passed_seconds: float = 0.0
    _due: list[tuple[float, int, Action]] = field(default_factory=list)
    _cancelled: set[int] = field(default_factory=set)
    _numbers: "count[int]" = field(default_factory=count)

    def now(self) -> datetime:
        """The time of day, UTC."""
        return self.start + timedelta(seconds=self.passed_seconds)

    def later(self, seconds: float, action: Action) -> Action:
        """Call `action` when the clock has advanced by `seconds`; return what cancels it."""
        number = next(self._numbers)
        heapq.heappush(self._due, (self.passed_seconds + seconds, number, action))
        return lambda: self._cancelled.add(number)

    async def advance(self, seconds: float) -> None:
        """Let time pass: everything due happens in order, and what follows from it on the loop as well."""
        until = self.passed_seconds + seconds
        await _settle()
        while self._due and self._due[0][0] <= until:
            self.passed_seconds, number, action = heapq.heappop(self._due)
            if number not in self._cancelled:
                action()
                await _settle()
            self._cancelled.discard(number)
        self.passed_seconds = until
        await _settle()


async def _settle() -> None:
    """Let callbacks that are ready on the loop, and those they start, run."""
    for _ in range(5):
        await asyncio.sleep(0)
