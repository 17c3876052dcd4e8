import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip.orientation import Orientation, displayed_size, orientation_of_matrix, snap_degrees
from tests.media_clips import display_matrix

TURNS = st.sampled_from([0, 90, 180, 270])


@given(st.floats())
def test_any_angle_snaps_to_a_quarter_turn(degrees: float) -> None:
    assert snap_degrees(degrees) in {0, 90, 180, 270}


@pytest.mark.parametrize(
    ("degrees", "snapped"),
    [(-90, 270), (90.4, 90), (-180, 180), (359, 0), (720, 0), (-2147483648, 0), (float("nan"), 0)],
)
def test_angles_snap_to_the_nearest_turn(degrees: float, snapped: int) -> None:
    assert snap_degrees(degrees) == snapped


@given(TURNS, st.booleans())
def test_a_display_matrix_is_read_back(rotation_degrees: int, mirrored: bool) -> None:
    matrix = struct.pack("=9i", *display_matrix(rotation_degrees, mirrored=mirrored))
    assert orientation_of_matrix(matrix) == Orientation(rotation_degrees, mirrored)


@given(st.binary(min_size=36, max_size=36))
def test_any_matrix_gives_an_orientation(matrix: bytes) -> None:
    assert orientation_of_matrix(matrix).rotation_degrees in {0, 90, 180, 270}


@pytest.mark.parametrize("matrix", [b"", b"\0" * 36, b"\0" * 35])
def test_a_matrix_that_maps_nothing_is_upright(matrix: bytes) -> None:
    assert orientation_of_matrix(matrix) == Orientation()


def test_wide_pixels_widen_the_picture() -> None:
    assert displayed_size(720, 576, Fraction(16, 15), Orientation()) == (768, 576)


def test_a_quarter_turn_swaps_the_sides_after_the_pixels_are_widened() -> None:
    assert displayed_size(720, 576, Fraction(16, 15), Orientation(90)) == (576, 768)


@pytest.mark.parametrize("aspect", [None, Fraction(0), Fraction(1000, 1), Fraction(1, 1000), Fraction(-1)])
def test_an_absurd_pixel_aspect_is_square(aspect: Fraction | None) -> None:
    assert displayed_size(640, 360, aspect, Orientation()) == (640, 360)
