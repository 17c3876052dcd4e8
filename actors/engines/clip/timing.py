"""How long a clip plays and how many pictures a second it shows."""

from collections.abc import Sequence
from fractions import Fraction

_FASTEST_FPS = 480
_LEAST_STAMPS = 2


def played_seconds(header_seconds: float, start_seconds: float, *, counted_from_zero: bool) -> float:
    """The played length. Matroska and FLV headers count from zero to the end, so the start is taken off."""
    if counted_from_zero and 0 < start_seconds < header_seconds:
        return header_seconds - start_seconds
    return header_seconds


def believable_fps(rate: Fraction | float | None, time_base: Fraction | None) -> float | None:
    """The rate, unless it is absurd or only the tick of the container's clock (1000 in Matroska, FLV)."""
    if rate is None or not 0 < rate <= _FASTEST_FPS:
        return None
    if time_base and rate == 1 / time_base and rate > _FASTEST_FPS / 2:
        return None
    return float(rate)


def measured_fps(stamps_seconds: Sequence[float]) -> float | None:
    """The mean rate of presentation times in any order; None when they do not span any time."""
    if len(stamps_seconds) < _LEAST_STAMPS:
        return None
    span = max(stamps_seconds) - min(stamps_seconds)
    return believable_fps((len(stamps_seconds) - 1) / span, None) if span > 0 else None
