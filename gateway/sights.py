"""Whether somebody still sees a video, looked up once for all who follow it with the same eyes.

    a fact is heard  ->  a look that begins after that  ->  told to everybody whom the look found seeing

A look that began before a fact was heard may have missed a change that came before the fact, so each fact has
one of its own, shared by all streams of one video and viewer; for what is no fact an older one will do.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

CAPACITY: Final = 10_000
"""A kept look takes about a kilobyte."""


@dataclass(frozen=True, slots=True)
class _Look:
    begun: float
    found: "asyncio.Task[bool]"


@dataclass(frozen=True, slots=True)
class Sights:
    """A bounded memory of looks that found something; the one begun longest ago is forgotten first."""

    capacity: int = CAPACITY
    clock: Callable[[], float] = time.monotonic
    """In seconds; the one by which the hub says when it heard of a fact."""
    _looks: OrderedDict[Hashable, _Look] = field(default_factory=OrderedDict)

    async def sees(
        self, sight: Hashable, since: float, look: Callable[[], Coroutine[Any, Any, bool]]
    ) -> bool:
        """Return what a look found that began at `since` or later. Raises what `look` raises."""
        kept = self._looks.get(sight)
        if kept is None or kept.begun < since:
            kept = self._begin(sight, look)
        seen = False
        try:
            seen = await asyncio.shield(kept.found)  # whoever leaves takes it from nobody else
        finally:
            if not seen and kept.found.done() and self._looks.get(sight) is kept:
                del self._looks[sight]
        return seen

    def _begin(self, sight: Hashable, look: Callable[[], Coroutine[Any, Any, bool]]) -> _Look:
        kept = self._looks[sight] = _Look(self.clock(), asyncio.create_task(look()))
        kept.found.add_done_callback(_take_note)
        self._looks.move_to_end(sight)
        if len(self._looks) > self.capacity:
            self._looks.popitem(last=False)
        return kept


def _take_note(found: "asyncio.Task[bool]") -> None:
    """Look at a failure that nobody may be left to hear of: asyncio would print it."""
    if not found.cancelled():
        found.exception()
