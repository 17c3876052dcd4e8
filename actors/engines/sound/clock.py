"""When sound is heard: an unbroken count of samples that stays with the times of its container. Pure.

Times of containers tremble: Matroska and FLV round to milliseconds, and some recorders stamp packets late.
Each step followed would be a click. But what stays off was meant: after a loss the rest must not be early.
"""

from dataclasses import dataclass, field
from typing import Final

GAP_SECONDS: Final = 0.1
"""A larger step is a gap, or sound that comes twice, and is followed at once."""
DRIFT_SECONDS: Final = 0.01
"""How far all of the last second may be off to one side: below what anybody sees (ITU-R BT.1359: 45 ms)."""
WINDOW_SECONDS: Final = 1.0


@dataclass(slots=True)
class SoundClock:
    """Says where each block of one track begins."""

    rate_hz: int
    next: int | None = None
    """Where the last block ended, in samples; None before the first."""
    _since: int = field(default=0, init=False)
    _least: int = field(default=0, init=False)
    """How far off the times were since then, at the least and to one side; 0 when they were not."""

    def begin(self, told: int | None) -> int:
        """Return in samples where a block begins, for what its container tells of that; None follows on."""
        if self.next is None:
            return told or 0
        if told is None:
            return self.next
        skew = told - self.next
        if abs(skew) >= GAP_SECONDS * self.rate_hz:
            self._least = 0
            return told
        return self.next + self._lasting(skew)

    def heard(self, end: int) -> None:
        """Tell where the block ended."""
        self.next = end

    def _lasting(self, skew: int) -> int:
        """Return by how much to step for a skew: nothing until all of a second was off by at least that."""
        if abs(skew) < DRIFT_SECONDS * self.rate_hz:
            self._least = 0
            return 0
        at = self.next or 0
        if self._least * skew <= 0:
            self._since, self._least = at, skew
        self._least = min(self._least, skew, key=abs)
        if at - self._since < WINDOW_SECONDS * self.rate_hz:
            return 0
        step, self._least = self._least, 0
        return step
