"""How a picture's frames follow one another, from the times of its packets. Pure; times are in ticks.

Three hours may have more than a million packets: they are columns, and nothing here is done packet by packet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from actors.engines.clip.timing import believable_fps

Ticks = npt.NDArray[np.int64]

TICKS_MOST: Final = 1 << 61
"""What is beyond is no time of a clip; the difference of two that are not still fits a column."""
_CLOCK_SECONDS: Final = Fraction(11, 10_000)
"""What a time may be off: files that went through Matroska or FLV carry rounding to milliseconds."""
_DOUBLED_SHARE: Final = 0.01
LEAP_SECONDS: Final = Fraction(10)
"""A header may be a little wrong about the end; times beyond it and farther apart than this are no clip's."""


class Packet(NamedTuple):
    """When one packet's picture is shown."""

    pts: int
    duration: int
    """0 when nothing is said."""
    key: bool


@dataclass(frozen=True, slots=True)
class Packets:
    """Packets as columns of the same length (shape (n,)), in the order of decoding."""

    pts: Ticks
    """When each picture is shown, within `TICKS_MOST`."""
    durations: Ticks
    """How long, 0 when nothing is said; never negative."""
    keys: npt.NDArray[np.bool_]
    """Whether decoding may begin there."""

    @classmethod
    def of(cls, packets: Iterable[Packet]) -> Self:
        """Return these packets as columns; times that fit none are moved to the nearest that does."""
        rows = np.fromiter(packets, np.dtype([("pts", "i8"), ("duration", "i8"), ("key", "?")]))
        pts = np.clip(rows["pts"], -TICKS_MOST, TICKS_MOST)
        return cls(pts, np.clip(rows["duration"], 0, TICKS_MOST), rows["key"].copy())

    def __len__(self) -> int:
        return len(self.pts)


def without_leaps(packets: Packets, time_base: Fraction, announced_end: int) -> Packets:
    """Return the packets without those that nobody would wait for, in the same order; at least one is given.

    A time that leaps far beyond the end that the header announces is damage, or an attack: each second of it
    would be encoded as a still picture. Long gaps before that end are a screen that did not change.
    """
    leap, end = LEAP_SECONDS / time_base, min(announced_end, TICKS_MOST)
    shown = np.sort(packets.pts)
    is_leap = (np.diff(shown) > floor(leap)) & (shown[1:] > end + floor(leap))
    last = int(shown[np.argmax(is_leap)] if is_leap.any() else shown[-1])
    longest = min(max(round(leap), end - last), TICKS_MOST)
    kept = packets.pts <= last
    return Packets(packets.pts[kept], np.minimum(packets.durations[kept], longest), packets.keys[kept])


def has_broken_times(packets: Packets, shown: Packets) -> bool:
    """Return whether times jump, by the packets in the order of decoding and those `without_leaps`.

    Key frames follow one another on the screen as they do in the file, whatever comes between them. Where
    many pictures have one time, a recorder's clock stood still.
    """
    falls = bool((np.diff(packets.pts[packets.keys]) < 0).any())
    doubled = len(packets) - len(_each_once(packets.pts))
    return len(shown) < len(packets) or falls or doubled > max(1, len(packets) * _DOUBLED_SHARE)


@dataclass(frozen=True, slots=True)
class Cadence:
    """Times of one picture stream, at least one packet."""

    packets: Packets
    time_base: Fraction
    times: Ticks = field(init=False)
    """When each picture is shown, ascending, each once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", _each_once(self.packets.pts))

    @property
    def rate(self) -> Fraction | None:
        """The mean frames per second; None for a single picture, or what no clip shows."""
        if len(self.times) == 1:
            return None
        mean = (len(self.times) - 1) / (self._span * self.time_base)
        return mean if believable_fps(mean, None) else None

    @property
    def is_absurd(self) -> bool:
        """Whether pictures follow one another faster, or slower, than in any clip."""
        return len(self.times) > 1 and self.rate is None

    @property
    def is_constant(self) -> bool:
        """Whether all frames but the last are equally long, within the rounding of the container's clock."""
        gaps = np.diff(self.times)
        if not len(gaps):
            return True
        tolerance = max(Fraction(1), _CLOCK_SECONDS / self.time_base)
        mean = Fraction(self._span, len(gaps))
        return int(gaps.max()) - mean <= tolerance and mean - int(gaps.min()) <= tolerance

    def seconds_from(self, first: int, fps: Fraction) -> Fraction:
        """From the picture shown at `first` to the end of the last one."""
        last = np.argmax(self.packets.pts)
        held = int(self.packets.durations[last]) * self.time_base or 1 / fps
        return max(int(self.packets.pts[last]) - first, 0) * self.time_base + held

    def longest_gop_seconds(self, seconds: Fraction) -> float | None:
        """The longest way between key frames, or from one to the end; None when there is none."""
        keys = np.sort(self.packets.pts[self.packets.keys])
        if not len(keys):
            return None
        between = Fraction(int(np.diff(keys).max(initial=0)))
        to_the_end = int(keys[0]) + seconds / self.time_base - int(keys[-1])
        return float(max(between, to_the_end) * self.time_base)

    @property
    def has_closed_gops(self) -> bool:
        """Whether nothing that is decoded after a key frame is shown before it."""
        pts, places = self.packets.pts, np.flatnonzero(self.packets.keys)
        if not len(places):
            return True
        lengths = np.diff(np.append(places, len(pts)))
        return bool((pts[places[0] :] >= np.repeat(pts[places], lengths)).all())

    @property
    def _span(self) -> int:
        return int(self.times[-1]) - int(self.times[0])


def _each_once(ticks: Ticks) -> Ticks:
    """Return the values, ascending. In numpy `unique` hashes whole numbers, a hundred times slower here."""
    ordered = np.sort(ticks)
    return ordered[np.diff(ordered, prepend=ordered[:1] - 1) > 0]
