from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip.sampling import CANDIDATES, Strategy, Survey, choose_strategy, plan_moments
from actors.engines.pictures.storyboard import plan_storyboard

FULL_HD_PX = 1920 * 1080


def strategy(duration: float, key_every: float, packets: int, picture_px: int = FULL_HD_PX) -> Strategy:
    tiles = [tile.middle_seconds for tile in plan_storyboard(duration, (1920, 1080)).tiles]
    keys = tuple(index * key_every for index in range(int(duration / key_every) + 1))
    return choose_strategy(Survey(keys, packets), plan_moments(duration, tiles), picture_px)


def test_dense_key_frames_are_enough() -> None:
    assert strategy(30, key_every=1, packets=900) is Strategy.KEY_FRAMES


def test_sparse_key_frames_of_a_short_clip_are_not() -> None:
    assert strategy(30, key_every=10, packets=900) is Strategy.EVERY_FRAME


def test_a_long_clip_is_not_decoded_for_better_tiles() -> None:
    assert strategy(360, key_every=10, packets=10_800) is Strategy.KEY_FRAMES


def test_a_clip_with_one_key_frame_is_decoded_whatever_its_length() -> None:
    assert strategy(360, key_every=1000, packets=10_800) is Strategy.EVERY_FRAME


def test_a_file_too_large_to_survey_is_jumped_through() -> None:
    assert choose_strategy(None, plan_moments(10, [5]), FULL_HD_PX) is Strategy.SEEK


@given(st.floats(0.001, 10_000))
def test_moments_are_in_order_inside_the_clip_and_complete(duration: float) -> None:
    tiles = [tile.middle_seconds for tile in plan_storyboard(duration, (16, 9)).tiles]
    moments = plan_moments(duration, tiles)
    times = [moment.at_seconds for moment in moments]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= duration
    assert sum(moment.tile is None for moment in moments) == CANDIDATES
    assert sorted(moment.tile for moment in moments if moment.tile is not None) == list(range(len(tiles)))
