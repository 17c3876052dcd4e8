import time
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip.cadence import TICKS_MOST, Cadence, Packet, Packets, has_broken_times, without_leaps

NTSC = Fraction(1, 30_000)


def cadence(*times: int, keys: tuple[int, ...] = (0,), base: Fraction = Fraction(1, 30)) -> Cadence:
    return Cadence(Packets.of(Packet(pts, 0, pts in keys) for pts in times), base)


def test_the_rate_of_even_frames_is_exact() -> None:
    assert cadence(0, 1001, 2002, 3003, base=NTSC).rate == Fraction(30_000, 1001)
    assert cadence(0, 1001, 2002, 3003, base=NTSC).is_constant


@given(st.integers(2, 200), st.integers(1, 120))
def test_rounding_to_milliseconds_is_not_taken_for_a_variable_rate(frames: int, fps: int) -> None:
    rounded = [round(number * 1000 / fps) for number in range(frames)]
    one = cadence(*rounded, base=Fraction(1, 1000))
    assert one.is_constant
    assert one.rate == pytest.approx(fps, abs=0.6 * fps * fps / 1000 / (frames - 1) * 2 + 1e-9)


def test_a_gap_makes_the_rate_variable() -> None:
    assert not cadence(0, 1, 2, 6, 7, 8, base=Fraction(1, 30)).is_constant


def test_a_single_picture_has_no_rate() -> None:
    assert cadence(7).rate is None
    assert cadence(7).is_constant


def test_frames_in_the_order_of_decoding_are_measured_as_they_are_shown() -> None:
    assert cadence(0, 3, 1, 2, 6, 4, 5).rate == 30
    assert cadence(0, 3, 1, 2, 6, 4, 5).seconds_from(0, Fraction(30)) == Fraction(7, 30)


def test_the_last_frame_lasts_as_long_as_its_packet_says() -> None:
    held = Cadence(Packets.of([Packet(0, 1, key=True), Packet(1, 5, key=False)]), Fraction(1, 30))
    assert held.seconds_from(0, Fraction(30)) == Fraction(6, 30)


def test_what_is_shown_before_a_key_frame_that_it_follows_opens_its_group() -> None:
    assert cadence(0, 3, 1, 2, 6, 4, 5, keys=(0,)).has_closed_gops
    assert not cadence(0, 3, 1, 2, 6, 4, 5, keys=(0, 6)).has_closed_gops


def test_the_longest_way_between_key_frames_counts_the_end() -> None:
    one = cadence(*range(90), keys=(0, 30))
    assert one.longest_gop_seconds(Fraction(3)) == 2.0
    assert cadence(1, 2, keys=()).longest_gop_seconds(Fraction(1)) is None


def shown(*times: int, end: int, duration: int = 1) -> list[tuple[int, int]]:
    packets = Packets.of(Packet(pts, duration, key=False) for pts in times)
    kept = without_leaps(packets, Fraction(1), end)
    return list(zip(kept.pts.tolist(), kept.durations.tolist(), strict=True))


def test_a_leap_beyond_the_announced_end_is_not_believed() -> None:
    assert shown(0, 1, 2, 1_000_000, end=3) == [(0, 1), (1, 1), (2, 1)]


def test_a_screen_that_did_not_change_for_long_is_believed_where_the_header_says_so() -> None:
    assert shown(0, 1, 300, 301, end=302) == [(0, 1), (1, 1), (300, 1), (301, 1)]


def test_a_clip_that_goes_on_beyond_a_wrong_header_is_believed() -> None:
    assert len(shown(*range(0, 100, 9), end=0)) == 12


def test_a_last_picture_lasts_no_longer_than_the_header_says_or_a_leap() -> None:
    assert shown(0, 1, end=60, duration=1_000_000)[-1] == (1, 59)
    assert shown(0, 1, end=2, duration=1_000_000)[-1] == (1, 10)


def packets(*times: int, every: int = 1) -> Packets:
    return Packets.of(Packet(pts, 1, number % every == 0) for number, pts in enumerate(times))


def test_times_that_only_change_places_between_key_frames_are_not_broken() -> None:
    shown = packets(0, 3, 1, 2, 7, 5, 6, 4, every=4)
    assert not has_broken_times(shown, shown)


def test_times_that_fall_back_leap_or_stand_still_are_broken() -> None:
    fallen, doubled = packets(10, 11, 12, 0, 1, 2, every=3), packets(0, 0, 2, 2, 4, 4, every=6)
    assert has_broken_times(fallen, fallen)
    assert has_broken_times(doubled, doubled)
    assert has_broken_times(packets(0, 1, 2), packets(0, 1))


def test_one_time_that_two_pictures_have_is_nothing() -> None:
    once = packets(0, 1, 1, 3, every=4)
    assert not has_broken_times(once, once)


def test_pictures_without_end_in_a_moment_are_no_rate() -> None:
    assert cadence(0, 1, 2, base=Fraction(1, 15_360)).is_absurd
    assert not cadence(0, 1, 2).is_absurd
    assert not cadence(7).is_absurd


def test_times_at_the_ends_of_what_a_file_can_say_are_measured_as_well() -> None:
    most = 2**63 - 1
    one = Packets.of([Packet(-most, -5, key=True), Packet(0, most, key=False), Packet(most, most, key=True)])
    assert one.durations.tolist() == [0, TICKS_MOST, TICKS_MOST]
    kept = without_leaps(one, Fraction(1, 2**31 - 1), 2**70)
    wild = Cadence(kept, Fraction(2**31 - 1))
    assert len(kept) == 3
    assert wild.is_constant
    assert wild.rate == Fraction(1, TICKS_MOST * (2**31 - 1))
    assert wild.longest_gop_seconds(Fraction(1)) is not None
    assert has_broken_times(one, without_leaps(one, Fraction(1), -(2**70)))


def plain(times: list[int], keys: list[bool]) -> tuple[object, ...]:
    """What a cadence says, by the definitions, packet by packet."""
    shown, key = sorted(set(times)), None
    gaps = [later - earlier for earlier, later in pairwise(shown)]
    closed = True
    for pts, is_key in zip(times, keys, strict=True):
        key = pts if is_key else key
        closed = closed and (key is None or pts >= key)
    mean = Fraction(sum(gaps), max(len(gaps), 1))
    even = all(abs(gap - mean) <= Fraction(11, 10_000) * 1000 for gap in gaps)
    starts = sorted(pts for pts, is_key in zip(times, keys, strict=True) if is_key)
    ways = [later - earlier for earlier, later in pairwise(starts)]
    longest = max([*ways, starts[0] + 7000 - starts[-1]]) / 1000 if starts else None
    return shown, even, closed, longest


@given(st.lists(st.tuples(st.integers(-50, 50), st.booleans()), min_size=1, max_size=30))
def test_columns_say_what_the_definitions_say(rows: list[tuple[int, bool]]) -> None:
    one = Cadence(Packets.of(Packet(pts, 0, key) for pts, key in rows), Fraction(1, 1000))
    said = (one.times.tolist(), one.is_constant, one.has_closed_gops, one.longest_gop_seconds(Fraction(7)))
    assert said == plain([pts for pts, _ in rows], [key for _, key in rows])


def test_five_hours_of_pictures_take_a_moment() -> None:
    count = 1_300_200
    rows = np.arange(count, dtype=np.int64)
    many = Packets((rows + np.array([0, 1, -1])[rows % 3]) * 16, np.full(count, 16), rows % 240 == 0)
    begun = time.process_time()
    one = Cadence(without_leaps(many, Fraction(1, 1000), count * 16), Fraction(1, 1000))
    assert not has_broken_times(many, one.packets)
    assert one.longest_gop_seconds(one.seconds_from(0, Fraction(60))) == 3.84
    assert (one.rate is not None, one.is_constant, one.has_closed_gops) == (True, True, True)
    assert time.process_time() - begun < 1.0
