from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from actors.engines.sound.clock import SoundClock

RATE, BLOCK = 48_000, 1_024


def played(skews: list[int]) -> list[int]:
    """Where blocks begin whose container is off by so many samples, from the first one on."""
    clock, begins = SoundClock(RATE), []
    for number, skew in enumerate(skews):
        begins.append(clock.begin(number * BLOCK + skew))
        clock.heard(begins[-1] + BLOCK)
    return begins


def off(begins: list[int], skews: list[int]) -> list[int]:
    """How far each block is from what its container says."""
    told = [number * BLOCK + skew for number, skew in enumerate(skews)]
    return [begin - at for begin, at in zip(begins, told, strict=True)]


def test_the_first_block_begins_when_its_container_says() -> None:
    assert SoundClock(RATE).begin(-700) == -700
    assert SoundClock(RATE).begin(None) == 0


def test_times_that_tremble_leave_the_sound_unbroken() -> None:
    begins = played([0, *([900, -900] * 200)])
    assert all(after - before == BLOCK for before, after in pairwise(begins))


def test_a_gap_is_followed_at_once() -> None:
    begins = played([0, 0, 6_000, 6_000])
    assert begins[2] - begins[1] == BLOCK + 6_000


def test_what_stays_off_is_followed_within_two_seconds() -> None:
    for shift in (2_000, -2_000):
        skews = [*([0] * 50), *([shift] * 200)]
        assert all(abs(one) < 0.01 * RATE for one in off(played(skews), skews)[50 + 95 :])


def test_a_block_without_a_time_follows_on() -> None:
    clock = SoundClock(RATE)
    clock.heard(clock.begin(100) + BLOCK)
    assert clock.begin(None) == 100 + BLOCK


@given(st.lists(st.integers(-4_000, 4_000), min_size=1, max_size=300))
def test_sound_is_never_as_far_off_as_a_gap(skews: list[int]) -> None:
    assert all(abs(one) < 0.1 * RATE + 4_000 for one in off(played(skews), skews))
