"""How large derived pictures are. Sizes are (width, height) in pixels, as displayed, and always even."""

POSTER_WIDTHS_PX = (320, 640, 1080)
_SMALLEST_PX = 2

Size = tuple[int, int]


def even(pixels: float) -> int:
    """The nearest even number that is not larger, but at least 2: chroma is stored for pixel pairs."""
    return max(_SMALLEST_PX, int(pixels) // 2 * 2)


def fit(size: Size, box: Size) -> Size:
    """The size scaled down, never up, into the box, its aspect kept to the nearest pixel pair."""
    width, height = size
    scale = min(1.0, box[0] / width, box[1] / height)
    return even(round(width * scale)), even(round(height * scale))


def poster_sizes(size: Size) -> tuple[Size, ...]:
    """The sizes of a poster, ascending: the standard widths, of which the last may be the clip's own."""
    tallest = 8 * max(POSTER_WIDTHS_PX)
    widths = sorted({min(width, even(size[0])) for width in POSTER_WIDTHS_PX})
    return tuple(dict.fromkeys(fit(size, (width, tallest)) for width in widths))


def turned(size: Size, *, sideways: bool) -> Size:
    """The stored size of a displayed one, or the other way round."""
    return (size[1], size[0]) if sideways else size
