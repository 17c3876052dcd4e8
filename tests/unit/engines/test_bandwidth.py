from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.engines.cmaf.bandwidth import average_bps, peak_bps
from subjects.media import MediaSegment


def segments(*pieces: tuple[int, int]) -> list[MediaSegment]:
    at, made = 0, []
    for duration, size_bytes in pieces:
        made.append(MediaSegment(time=at, duration=duration, size_bytes=size_bytes))
        at += duration
    return made


def test_the_average_is_all_bits_by_all_seconds() -> None:
    assert average_bps(segments((120, 1000), (60, 500)), 30) == 2000


def test_the_peak_is_that_of_the_most_expensive_segment() -> None:
    assert peak_bps(segments((120, 1000), (120, 4000), (120, 1000)), 30) == 8000


def test_a_short_last_segment_is_measured_with_the_one_before_it() -> None:
    """One frame that is nearly all key frame would otherwise promise thirty times the rate."""
    assert peak_bps(segments((120, 1000), (1, 900)), 30) == 8 * 1900 * 30 // 121 + 1


def test_a_single_segment_is_its_own_peak() -> None:
    assert peak_bps(segments((10, 100)), 30) == average_bps(segments((10, 100)), 30) == 2400


class Uncopied(list[MediaSegment]):
    """Segments of a video so long that nobody may copy them time and again."""

    def __getitem__(self, place: Any) -> Any:
        assert not isinstance(place, slice)
        return super().__getitem__(place)


def test_the_segments_of_a_long_video_are_not_copied_for_each_of_them() -> None:
    long = Uncopied(segments(*[(120, 1000)] * 100))
    assert peak_bps(long, 30) == 2000


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 10**6)), min_size=1, max_size=20))
def test_the_peak_of_equally_long_segments_is_never_below_the_average(pieces: list[tuple[int, int]]) -> None:
    alike = segments(*((120, size_bytes) for _, size_bytes in pieces))
    assert peak_bps(alike, 30) >= average_bps(alike, 30) > 0
