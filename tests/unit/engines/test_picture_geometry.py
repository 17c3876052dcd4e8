import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip.picture_geometry import fit, poster_sizes

SIZES = st.tuples(st.integers(1, 8192), st.integers(1, 8192))


@given(SIZES)
def test_posters_are_even_ascending_and_at_least_one(size: tuple[int, int]) -> None:
    sizes = poster_sizes(size)
    assert 1 <= len(sizes) <= 3
    assert list(sizes) == sorted(sizes)
    assert all(side % 2 == 0 for poster in sizes for side in poster)


@given(SIZES.filter(lambda size: min(size) > 1))
def test_posters_are_never_larger_than_the_clip(size: tuple[int, int]) -> None:
    assert all(width <= size[0] and height <= size[1] for width, height in poster_sizes(size))


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        ((1920, 1080), [320, 640, 1080]),
        ((720, 1280), [320, 640, 720]),
        ((639, 480), [320, 638]),
        ((5, 5), [4]),
    ],
)
def test_the_last_poster_may_have_the_clips_own_width(size: tuple[int, int], widths: list[int]) -> None:
    assert [width for width, _ in poster_sizes(size)] == widths


@given(SIZES, SIZES)
def test_what_fits_lies_in_the_box(size: tuple[int, int], box: tuple[int, int]) -> None:
    width, height = fit(size, box)
    assert (width <= max(2, box[0]), height <= max(2, box[1])) == (True, True)
