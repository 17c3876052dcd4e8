"""The frames that every rung of a video gets: at which rate, how many, and where they are cut. Pure."""

import math
from fractions import Fraction
from typing import Final

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.ladder.policy import LadderPolicy
from subjects.media import Timeline

STANDARD_RATES: Final = tuple(
    Fraction(*rate)
    for rate in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1))
)
_ROUNDING: Final = Fraction(4, 10_000)
"""Below half the 0.1 % between 30 and 30000/1001."""
_NEARLY: Final = Fraction(2, 100)
_DENOMINATOR_MAX: Final = 1001
_LEAST_RATE: Final = Fraction(1)
"""Headers tell of frames that last for days; the last one, and the sound with it, would be made as long."""


def timeline_of(facts: PictureFacts, policy: LadderPolicy) -> Timeline:
    """Return the timeline of a clip."""
    rate = output_rate(facts, policy.fps_max)
    gop_frames = max(1, _round(Fraction(policy.gop_seconds) * rate))
    segment_frames = gop_frames * policy.segment_gops
    return Timeline(
        fps_num=rate.numerator,
        fps_den=rate.denominator,
        frames=max(1, _round(Fraction(facts.duration_seconds) * rate)),
        gop_frames=gop_frames,
        segment_frames=segment_frames,
        chunk_frames=segment_frames * policy.chunk_segments,
    )


def output_rate(facts: PictureFacts, fps_max: int) -> Fraction:
    """Return the constant rate, at most `fps_max`: the clip's own, halved as often as needed.

    A measured rate has the rounding of a container's clock: what is that near to a standard one is that. The
    mean of a variable rate says little about how close its frames get: it becomes the standard rate that it
    nearly is, otherwise 30, or 60 when it is above that, so that few frames are lost.
    """
    measured = Fraction(facts.fps_num, facts.fps_den)
    near = _nearest(measured, _ROUNDING if facts.constant_rate else _NEARLY)
    if near is None and not facts.constant_rate:
        near = Fraction(30) if measured <= 30 else Fraction(60)  # noqa: PLR2004 - as the docstring says
    rate = near or _simple(measured)
    while rate > fps_max:
        rate = _nearest(rate / 2, _ROUNDING) or rate / 2
    return max(rate, _LEAST_RATE) if facts.duration_seconds >= 1 else _quick_enough(rate, facts, fps_max)


def _quick_enough(rate: Fraction, facts: PictureFacts, fps_max: int) -> Fraction:
    """Return the rate of a clip below a second; a higher one where a single frame outlasts it twice."""
    if rate * Fraction(facts.duration_seconds) >= Fraction(1, 2):
        return rate
    return Fraction(min(fps_max, math.ceil(1 / max(facts.duration_seconds, 1 / fps_max))))


def _nearest(rate: Fraction, tolerance: Fraction) -> Fraction | None:
    """Return the standard rate that this one is, but for the tolerance."""
    nearest = min(STANDARD_RATES, key=lambda standard: abs(standard - rate))
    return nearest if abs(nearest - rate) <= nearest * tolerance else None


def _simple(rate: Fraction) -> Fraction:
    """Return the rate with small numbers: the numerator becomes the timescale of the tracks."""
    return rate.limit_denominator(_DENOMINATOR_MAX) or rate


def _round(value: Fraction) -> int:
    """Round halves up: Python's own rounding goes to the even neighbour."""
    return math.floor(value + Fraction(1, 2))
