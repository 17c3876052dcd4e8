import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from actors.engines.pictures.frame_choice import choose, exposure, gray, score, sharpness, signature, variety
from tests.media_clips import corners

LUMAS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))
PICTURE = gray(corners((160, 120)))


def blurred(luma: np.ndarray) -> np.ndarray:
    wide = luma.astype(np.float32)
    for _ in range(6):
        wide = (
            wide + np.roll(wide, 1, 0) + np.roll(wide, 1, 1) + np.roll(wide, -1, 0) + np.roll(wide, -1, 1)
        ) / 5
    return wide.astype(np.uint8)


@given(LUMAS)
def test_every_measure_lies_between_zero_and_one(luma: np.ndarray) -> None:
    assert all(0 <= measure(luma) <= 1 for measure in (score, sharpness, variety, exposure))


def test_a_sharp_picture_beats_its_blurred_self() -> None:
    assert score(PICTURE) > score(blurred(PICTURE))


@pytest.mark.parametrize("level", [0, 12, 128, 255])
def test_a_blank_picture_is_worse_than_any_real_one(level: int) -> None:
    blank = np.full_like(PICTURE, level)
    assert score(blank) < 0.05 < score(blurred(PICTURE))


def test_a_nearly_black_picture_stays_under_the_floor() -> None:
    assert score((PICTURE / 16).astype(np.uint8)) < 0.05


def test_the_best_comes_first_and_equals_in_order() -> None:
    different = [np.full((12, 12), 40.0 * index, np.float32) for index in range(4)]
    assert choose([0.2, 0.9, 0.9, 0.5], different, 3) == (1, 2, 3)


def test_a_repeated_picture_is_chosen_once() -> None:
    same = signature(PICTURE)
    assert choose([0.5, 0.6, 0.4], [same, same, same + 50], 5) == (1, 2)


@given(st.lists(st.floats(0, 1), max_size=12), st.integers(1, 6))
def test_a_choice_is_distinct_bounded_and_never_empty_handed(scores: list[float], wanted: int) -> None:
    signatures = [np.full((12, 12), 20.0 * (index % 3), np.float32) for index in range(len(scores))]
    chosen = choose(scores, signatures, wanted)
    assert len(set(chosen)) == len(chosen) <= wanted
    assert bool(chosen) == bool(scores)


@given(LUMAS)
def test_a_signature_always_has_the_same_shape(luma: np.ndarray) -> None:
    assert signature(luma).shape == (12, 12)
