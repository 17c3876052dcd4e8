"""How large the rungs of a ladder are: square pixels, even sides, never above the source. Pure.

Sizes are (width, height) in pixels as displayed.
"""

from fractions import Fraction
from typing import Final

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.clip.picture_geometry import Size

Shape = tuple[Fraction, Fraction]

_WIDEST_PIXEL: Final = 4
"""As in `orientation.displayed_size`: no camera has pixels of another shape."""
_QUARTERS_LYING: Final = (90, 270)
_SMALLEST_PX: Final = 2


def shape_of(facts: PictureFacts, rotation_degrees: int) -> Shape:
    """Return width and height on the screen, not rounded: the pixel's aspect stretches the stored width."""
    aspect = Fraction(facts.pixel_aspect_num or 1, facts.pixel_aspect_den or 1)
    if not Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL:
        aspect = Fraction(1)
    wide, high = facts.stored_width_px * aspect, Fraction(facts.stored_height_px)
    return (high, wide) if rotation_degrees in _QUARTERS_LYING else (wide, high)


def fitted(shape: Shape, short_px: int, long_px: int) -> Shape:
    """Return the shape scaled down, never up, so that its sides are no longer than these."""
    scale = min(Fraction(1), short_px / min(shape), long_px / max(shape))
    return shape[0] * scale, shape[1] * scale


def size_with(shape: Shape, short_px: int) -> Size:
    """Return the size with this short side, which is even and not above the shape's.

    The long side is the even number with the smallest aspect error that is not above the shape's own.
    """
    short, long = min(shape), max(shape)
    exact = min(long, short_px * long / short)  # a source thinner than a pixel pair is not made longer
    below = max(_SMALLEST_PX, int(exact) // 2 * 2)
    long_px = below + 2 if exact - below > 1 and below + 2 <= long else below
    return (short_px, long_px) if shape[0] <= shape[1] else (long_px, short_px)


def own_size(shape: Shape) -> Size:
    """Return the largest even size within the shape; at least 2 x 2, for chroma is stored for pixel pairs."""
    return size_with(shape, max(_SMALLEST_PX, int(min(shape)) // 2 * 2))
