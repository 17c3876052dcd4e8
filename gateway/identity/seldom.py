"""Things worth doing now and then, not at every request."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

CAPACITY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Seldom:
    """Says once in so many seconds, for each thing, that it is time. Bounded: the oldest is forgotten."""

    seconds: float
    capacity: int = CAPACITY
    clock: Callable[[], float] = time.monotonic
    _last: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)

    def is_time(self, thing: Hashable) -> bool:
        """Whether it is time again; if so, it is not for a while."""
        now, last = self.clock(), self._last.get(thing)
        if last is not None and now < last + self.seconds:
            return False
        self._last[thing] = now
        self._last.move_to_end(thing)
        if len(self._last) > self.capacity:
            self._last.popitem(last=False)
        return True
