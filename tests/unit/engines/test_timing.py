from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip.timing import believable_fps, measured_fps, played_seconds


def test_the_tick_of_the_clock_is_not_a_frame_rate() -> None:
    assert believable_fps(Fraction(1000), Fraction(1, 1000)) is None


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(240), Fraction(1, 2)])
def test_real_rates_are_believed(rate: Fraction) -> None:
    assert believable_fps(rate, Fraction(1, 90_000)) == pytest.approx(float(rate))


@pytest.mark.parametrize("rate", [None, Fraction(0), Fraction(-1), Fraction(90_000)])
def test_absurd_rates_are_not(rate: Fraction | None) -> None:
    assert believable_fps(rate, None) is None


@given(st.integers(2, 200), st.integers(1, 240), st.randoms())
def test_a_steady_cadence_is_measured_in_any_order(count: int, fps: int, shuffler: object) -> None:
    stamps = [index / fps for index in range(count)]
    shuffler.shuffle(stamps)  # type: ignore[attr-defined]
    assert measured_fps(stamps) == pytest.approx(fps)


@pytest.mark.parametrize("stamps", [[], [1.0], [1.0, 1.0]])
def test_stamps_without_a_span_have_no_rate(stamps: list[float]) -> None:
    assert measured_fps(stamps) is None


def test_a_header_that_counts_from_zero_loses_its_start() -> None:
    assert played_seconds(10.0, 4.0, counted_from_zero=True) == 6.0


@pytest.mark.parametrize(("start", "counted"), [(4.0, False), (0.0, True), (-1.0, True), (12.0, True)])
def test_other_starts_change_nothing(start: float, counted: bool) -> None:
    assert played_seconds(10.0, start, counted_from_zero=counted) == 10.0
