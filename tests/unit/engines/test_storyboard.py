import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.pictures.storyboard import MAX_TILES, choose_interval_seconds, plan_storyboard
from actors.engines.pictures.webvtt import storyboard_map, timestamp

DURATIONS = st.floats(0, 20_000)
SIZES = st.tuples(st.integers(1, 8192), st.integers(1, 8192))


@given(DURATIONS, SIZES)
def test_tiles_cover_the_clip_without_a_gap(duration: float, size: tuple[int, int]) -> None:
    tiles = plan_storyboard(duration, size).tiles
    assert tiles[0].start_seconds == 0
    assert tiles[-1].end_seconds == pytest.approx(max(duration, 0.001))
    assert all(one.end_seconds == other.start_seconds for one, other in itertools.pairwise(tiles))
    assert all(tile.start_seconds < tile.end_seconds for tile in tiles)


@given(DURATIONS, SIZES)
def test_there_are_some_tiles_and_not_too_many(duration: float, size: tuple[int, int]) -> None:
    assert 1 <= len(plan_storyboard(duration, size).tiles) <= MAX_TILES


@given(DURATIONS, SIZES)
def test_every_tile_lies_on_its_sheet_and_no_two_share_a_place(
    duration: float, size: tuple[int, int]
) -> None:
    plan = plan_storyboard(duration, size)
    places = {(tile.sheet, tile.column, tile.row) for tile in plan.tiles}
    assert len(places) == len(plan.tiles)
    for tile in plan.tiles:
        width, height = plan.sheet_size(tile.sheet)
        assert (tile.column + 1) * plan.tile[0] <= width
        assert (tile.row + 1) * plan.tile[1] <= height


@given(SIZES)
def test_a_tile_is_small_and_even(size: tuple[int, int]) -> None:
    width, height = plan_storyboard(10, size).tile
    assert (width <= 160, height <= 288) == (True, True)
    assert width % 2 == height % 2 == 0


@pytest.mark.parametrize(
    ("duration", "interval"),
    [(0.3, 0.5), (10, 0.5), (30, 1.0), (100, 1.0), (363, 5.0), (10_800, 120.0), (15_000, 150.0)],
)
def test_the_interval_is_a_round_number(duration: float, interval: float) -> None:
    assert choose_interval_seconds(duration) == interval


def test_the_map_names_sheet_and_rectangle() -> None:
    text = storyboard_map(plan_storyboard(30, (1920, 1080)), ["a.jpg", "b.jpg"])
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na.jpg#xywh=0,0,160,90\n\n")
    assert "00:00:06.000 --> 00:00:07.000\na.jpg#xywh=160,90,160,90\n" in text
    assert text.endswith("00:00:29.000 --> 00:00:30.000\nb.jpg#xywh=640,0,160,90\n")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00:00.000"), (59.9996, "00:01:00.000"), (3723.5, "01:02:03.500")]
)
def test_times_are_rounded_to_milliseconds(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text
