"""How much time encoding may take. Pure.

A limit is there for what never ends, not for what is slow: so it is told from the slowest that was measured.
"""

from collections.abc import Sequence
from typing import Final

from subjects.media import Rung

_PRESETS: Final = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
)
_MEASURED: Final[dict[str, tuple[float, ...]]] = {
    "h264": (100, 90, 70, 50, 40, 30, 18, 11, 7.1),
    "hevc": (30, 28, 25, 20, 16, 12.5, 4, 0.8, 0.4),
    "av1": (30, 20, 12, 9, 6, 2.5, 1, 0.5, 0.2),
    "vp9": (20, 20, 15, 12, 9, 6, 2, 1, 0.4),
}
"""Megapixels per second of processor time, by codec and preset, on one core of a server. H.264 veryslow and
H.265 from medium on were measured, the others lie between them and what their makers say."""
_SAFETY: Final = 4
"""How much slower a core, or the pictures of a clip, may be."""
FASTEST_PX: Final = 8e6
"""Pixels per second of processor time that even a quick preset is granted: pictures are decoded and scaled,
too."""
_FRAMES_IN_ONE_GO: Final = 8
"""An encoder takes so many pictures, or gives them back, before anything can be reported again."""
_SILENT_MOST_SECONDS: Final = 300.0


def encoding_seconds(rungs: Sequence[Rung], preset: str, frames: int) -> float:
    """Return the seconds of processor time that so many frames of all rungs may take.

    A preset or codec that is not known is taken for the slowest.
    """
    return sum(one.width_px * one.height_px * frames / _pace_px(one.codec, preset) for one in rungs)


def silent_seconds(rungs: Sequence[Rung], preset: str, least: float) -> float:
    """Return how long an encoder may report nothing: one core may work on a few pictures in one go."""
    return min(least + encoding_seconds(rungs, preset, _FRAMES_IN_ONE_GO), _SILENT_MOST_SECONDS)


def _pace_px(codec: str, preset: str) -> float:
    known = [_MEASURED[codec]] if codec in _MEASURED else [*_MEASURED.values()]
    place = _PRESETS.index(preset) if preset in _PRESETS else -1
    return min(FASTEST_PX, *(paces[place] * 1e6 / _SAFETY for paces in known))
