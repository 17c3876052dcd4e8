"""How a picture's frames follow one another, from the times of its packets. Pure; times are in ticks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from actors.engines.clip.timing import believable_fps

_CLOCK_SECONDS = Fraction(11, 10_000)
"""What a time may be off: files that went through Matroska or FLV carry rounding to milliseconds."""
_DOUBLED_SHARE = 0.01
LEAP_SECONDS = Fraction(10)
"""A header may be a little wrong about the end; times beyond it and farther apart than this are no clip's."""


@dataclass(frozen=True, slots=True)
class Packet:
    """When a packet's picture is shown, in the order of decoding."""

    pts: int
    duration: int
    """0 when nothing is said."""
    key: bool


def without_leaps(packets: Sequence[Packet], time_base: Fraction, announced_end: int) -> list[Packet]:
    """Return the packets without those that nobody would wait for, in the same order.

    A time that leaps far beyond the end that the header announces is damage, or an attack: each second of it
    would be encoded as a still picture. Long gaps before that end are a screen that did not change.
    """
    leap = LEAP_SECONDS / time_base
    shown = sorted(packet.pts for packet in packets)
    leaps = (
        before for before, after in pairwise(shown) if after - before > leap and after > announced_end + leap
    )
    last = next(leaps, shown[-1])
    longest = max(round(leap), announced_end - last)
    return [
        replace(packet, duration=min(packet.duration, longest)) for packet in packets if packet.pts <= last
    ]


def has_broken_times(packets: Sequence[Packet], shown: Sequence[Packet]) -> bool:
    """Return whether times jump, by the packets in the order of decoding and those `without_leaps`.

    Key frames follow one another on the screen as they do in the file, whatever comes between them. Where
    many pictures have one time, a recorder's clock stood still.
    """
    keys = [packet.pts for packet in packets if packet.key]
    falls = any(later < earlier for earlier, later in pairwise(keys))
    doubled = len(packets) - len({packet.pts for packet in packets})
    return len(shown) < len(packets) or falls or doubled > max(1, len(packets) * _DOUBLED_SHARE)


@dataclass(frozen=True, slots=True)
class Cadence:
    """Times of one picture stream, at least one packet."""

    packets: Sequence[Packet]
    time_base: Fraction

    @property
    def times(self) -> list[int]:
        """When each picture is shown, ascending, each once."""
        return sorted({packet.pts for packet in self.packets})

    @property
    def rate(self) -> Fraction | None:
        """The mean frames per second; None for a single picture, or what no clip shows."""
        times = self.times
        if len(times) == 1:
            return None
        mean = (len(times) - 1) / ((times[-1] - times[0]) * self.time_base)
        return mean if believable_fps(mean, None) else None

    @property
    def is_absurd(self) -> bool:
        """Whether pictures follow one another faster, or slower, than in any clip."""
        return len(self.times) > 1 and self.rate is None

    @property
    def is_constant(self) -> bool:
        """Whether all frames but the last are equally long, within the rounding of the container's clock."""
        times = self.times
        gaps = [later - earlier for earlier, later in pairwise(times)]
        tolerance = max(Fraction(1), _CLOCK_SECONDS / self.time_base)
        mean = Fraction(times[-1] - times[0], max(len(gaps), 1))
        return all(abs(gap - mean) <= tolerance for gap in gaps)

    def seconds_from(self, first: int, fps: Fraction) -> Fraction:
        """From the picture shown at `first` to the end of the last one."""
        last = max(self.packets, key=lambda packet: packet.pts)
        held = last.duration * self.time_base or 1 / fps
        return max(last.pts - first, 0) * self.time_base + held

    def longest_gop_seconds(self, seconds: Fraction) -> float | None:
        """The longest way between key frames, or from one to the end; None when there is none."""
        keys = sorted(packet.pts for packet in self.packets if packet.key)
        if not keys:
            return None
        ways = [Fraction(later - earlier) for earlier, later in pairwise(keys)]
        to_the_end = keys[0] + seconds / self.time_base - keys[-1]
        return float(max([*ways, to_the_end]) * self.time_base)

    @property
    def has_closed_gops(self) -> bool:
        """Whether nothing that is decoded after a key frame is shown before it."""
        key: int | None = None
        for packet in self.packets:
            if packet.key:
                key = packet.pts
            elif key is not None and packet.pts < key:
                return False
        return True
