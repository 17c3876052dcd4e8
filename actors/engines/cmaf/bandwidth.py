"""What a rendition asks of a connection, as playlists say it. Pure."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from subjects.media import MediaSegment


def average_bps(segments: Sequence[MediaSegment], timescale: int) -> int:
    """Return the bits per second of all segments together, rounded up."""
    return _rate(sum(one.size_bytes for one in segments), sum(one.duration for one in segments), timescale)


def peak_bps(segments: Sequence[MediaSegment], timescale: int) -> int:
    """Return the largest rate of any run of segments that lasts 0.5 to 1.5 times the longest of them.

    RFC 8216, section 4.3.4.2: so a short last segment, which is little more than a key frame, is not
    measured alone.
    """
    longest = max(one.duration for one in segments)
    runs = _runs(segments, longest / 2, longest * 1.5)
    return max(_rate(size_bytes, duration, timescale) for size_bytes, duration in runs)


def _runs(segments: Sequence[MediaSegment], shortest: float, longest: float) -> Iterator[tuple[int, int]]:
    for first in range(len(segments)):
        size_bytes = duration = 0
        for number in range(first, len(segments)):  # a slice would copy the rest of a long video each time
            one = segments[number]
            size_bytes, duration = size_bytes + one.size_bytes, duration + one.duration
            if duration > longest:
                break
            if duration >= shortest:
                yield size_bytes, duration


def _rate(size_bytes: int, duration: int, timescale: int) -> int:
    bits_per_second = Fraction(8 * size_bytes * timescale, duration)
    return -(-bits_per_second.numerator // bits_per_second.denominator)
