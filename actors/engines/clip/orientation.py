"""How the stored picture must be turned, and how large it then is."""

import math
import struct
from dataclasses import dataclass
from fractions import Fraction

_MATRIX = struct.Struct("=9i")  # libavutil/display.h: rows (a b u) (c d v) (x y w), native order
_WIDEST_PIXEL = 4
_QUARTER_DEGREES = 90


@dataclass(frozen=True, slots=True)
class Orientation:
    """Flip left to right when `mirrored`, then turn clockwise by `rotation_degrees` (0, 90, 180, 270)."""

    rotation_degrees: int = 0
    mirrored: bool = False

    @property
    def sideways(self) -> bool:
        """Whether width and height change places."""
        return self.rotation_degrees in {90, 270}


def snap_degrees(clockwise_degrees: float) -> int:
    """The nearest of 0, 90, 180 and 270; 0 for what is not an angle."""
    # libav gives the smallest 32-bit integer for a matrix without an angle.
    if not math.isfinite(clockwise_degrees) or abs(clockwise_degrees) > 1e6:  # noqa: PLR2004
        return 0
    return round(clockwise_degrees / _QUARTER_DEGREES) % 4 * _QUARTER_DEGREES


def orientation_of_matrix(matrix: bytes) -> Orientation:
    """The orientation in a display matrix: nine native 32-bit integers. A degenerate one is upright.

    A point maps to (a x + c y, b x + d y) with y downwards, so a clockwise turn by t after an optional flip
    has c = -sin t and d = cos t whether or not it flips; a negative determinant says that it does.
    """
    if len(matrix) != _MATRIX.size:
        return Orientation()
    a, b, _, c, d, *_ = _MATRIX.unpack(matrix)
    determinant = a * d - b * c
    if determinant == 0:
        return Orientation()
    return Orientation(snap_degrees(math.degrees(math.atan2(-c, d))), determinant < 0)


def displayed_size(
    width_px: int, height_px: int, pixel_aspect: Fraction | None, orientation: Orientation
) -> tuple[int, int]:
    """Width and height on the screen: the pixel's aspect applied to the width, then the turn."""
    aspect = pixel_aspect or Fraction(1)
    if not Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL:
        aspect = Fraction(1)  # no real camera; believing it would ask for absurd pictures
    wide = max(1, round(width_px * aspect))
    return (height_px, wide) if orientation.sideways else (wide, height_px)
