"""The arithmetic of a token bucket: it fills at a rate up to its capacity, and an act takes a token. Pure.

The clock is the caller's and may jump. One that goes back fills nothing, and time goes on from there; one
that leaps ahead fills the bucket at most.
"""

import math
from typing import NamedTuple


class Bucket(NamedTuple):
    """How many at once, and how many a second in the long run."""

    capacity: int
    per_second: float


class Level(NamedTuple):
    """How many tokens, with fractions, a bucket held at some second of a clock."""

    tokens: float
    at: float


def filled(level: Level | None, bucket: Bucket, now: float) -> Level:
    """Return the level now; None stands for a bucket that nobody ever touched, which is full."""
    if level is None:
        return Level(float(bucket.capacity), now)
    passed = max(0.0, now - level.at)
    return Level(min(bucket.capacity, level.tokens + passed * bucket.per_second), now)


def drawn(
    level: Level | None, bucket: Bucket, now: float, wanted: int, returned: int = 0
) -> tuple[Level, int]:
    """Put tokens back, as far as there is room, take up to `wanted` whole ones, and return how many."""
    held = min(float(bucket.capacity), filled(level, bucket, now).tokens + returned)
    granted = min(wanted, math.floor(held))
    return Level(held - granted, now), granted


def seconds_until(tokens: float, held: float, bucket: Bucket) -> float:
    """Return in how many seconds a bucket that holds `held` tokens holds so many."""
    return max(0.0, tokens - held) / bucket.per_second
