"""How to get at pictures all over a clip without decoding all of it. Pure."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

MAX_DECODED_PX = 4e9
"""What may be decoded to reach exact moments: a minute of 1080p at 30 fps, about five seconds of work."""
CANDIDATES = 24
_FEWEST_KEYS = 3
_ENOUGH_SHARE = 0.7


class Strategy(Enum):
    """How samples are taken. Key frames alone cost a fiftieth of all frames."""

    EVERY_FRAME = "decode in order and take the frame at each moment"
    KEY_FRAMES = "read in order and decode only the key frame before each moment"
    SEEK = "jump to the key frame before each moment"


@dataclass(frozen=True, slots=True)
class Survey:
    """What the packets of the main stream say: the times of key frames, ascending, and how many packets."""

    key_seconds: tuple[float, ...]
    packets: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A time to be pictured: for a tile of the storyboard, or as a candidate for the poster."""

    at_seconds: float
    tile: int | None = None


def plan_moments(duration_seconds: float, tile_seconds: Sequence[float]) -> tuple[Moment, ...]:
    """Every tile's moment and evenly spaced candidates, in order of time."""
    tiles = [Moment(at, index) for index, at in enumerate(tile_seconds)]
    step = duration_seconds / CANDIDATES
    candidates = [Moment((index + 0.5) * step) for index in range(CANDIDATES)]
    return tuple(sorted([*tiles, *candidates], key=lambda moment: moment.at_seconds))


def choose_strategy(survey: Survey | None, moments: Sequence[Moment], picture_px: int) -> Strategy:
    """The cheapest way that gives different pictures; without a survey (a huge file) we seek."""
    if survey is None:
        return Strategy.SEEK
    keys = survey.key_seconds
    wanted = [moment.at_seconds for moment in moments if moment.tile is not None]
    served = {bisect.bisect_right(keys, at) for at in wanted}
    if len(keys) >= _FEWEST_KEYS and len(served) >= _ENOUGH_SHARE * len(wanted):
        return Strategy.KEY_FRAMES
    if len(keys) >= _FEWEST_KEYS and survey.packets * picture_px > MAX_DECODED_PX:
        return Strategy.KEY_FRAMES
    return Strategy.EVERY_FRAME
