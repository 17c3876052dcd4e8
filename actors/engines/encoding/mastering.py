"""How a source of high dynamic range was mastered: what its frames carry, and how encoders are told. Pure.

Sources: SMPTE ST 2086 and CTA-861.3; FFmpeg's `mastering_display_metadata.h` for what the bytes hold; the
manuals of x265 (`--master-display`, `--max-cll`) and SVT-AV1 (`--mastering-display`, `--content-light`).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

_DISPLAY: Final = struct.Struct("=20i2i")
"""Red, green, blue and white as x and y, then the least and the most light: ten fractions, and two flags."""
_LIGHT: Final = struct.Struct("=2I")
_CHROMA_UNIT: Final = 50_000
_LUMA_UNIT: Final = 10_000
_LIMIT: Final = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Mastering:
    """The display a clip was graded on, and how bright the clip is; either may be unknown."""

    display: tuple[Fraction, ...] = ()
    """x and y of red, green, blue and white, then the least and the most light in cd/m2."""
    light_cd_m2: tuple[int, int] | None = None
    """MaxCLL and MaxFALL."""

    @property
    def x265_params(self) -> str:
        """To be added to others of x265."""
        told = ""
        if self.display:
            units = [_CHROMA_UNIT] * 8 + [_LUMA_UNIT] * 2
            whole = [str(round(one * unit)) for one, unit in zip(self.display, units, strict=True)]
            told += ":master-display=" + _named(whole)
        if self.light_cd_m2:
            told += ":max-cll={},{}".format(*self.light_cd_m2)
        return f"{told}:hdr10=1" if told else ""

    @property
    def svt_params(self) -> str:
        """To be added to others of SVT-AV1."""
        told = ""
        if self.display:
            told += ":mastering-display=" + _named([f"{float(one):.5f}" for one in self.display])
        if self.light_cd_m2:
            told += ":content-light={},{}".format(*self.light_cd_m2)
        return told


def mastering_of(frame: VideoFrame) -> Mastering | None:
    """Return what a decoded frame carries; None when that is nothing, or nothing that can be told on."""
    display = _display(_bytes(frame, Type.MASTERING_DISPLAY_METADATA))
    light = _light(_bytes(frame, Type.CONTENT_LIGHT_LEVEL))
    return Mastering(display, light) if display or light else None


def _bytes(frame: VideoFrame, kind: Type) -> bytes:
    """Return one piece of side data; nothing of a frame with kinds PyAV does not know: it raises then."""
    try:
        side_data: Any = frame.side_data  # its stub knows names only, and takes numbers all the same
        found = side_data.get(kind)
    except ValueError:
        return b""
    return bytes(found) if found is not None else b""


def _display(data: bytes) -> tuple[Fraction, ...]:
    if len(data) < _DISPLAY.size:
        return ()
    *numbers, has_primaries, has_light = _DISPLAY.unpack_from(data)
    if not (has_primaries and has_light) or any(den <= 0 for den in numbers[1::2]):
        return ()
    found = tuple(Fraction(*pair) for pair in _pairs(numbers))
    chroma, (least, most) = found[:8], found[8:]
    sane = all(0 <= one <= 1 for one in chroma) and 0 <= least < most <= _LIMIT // _LUMA_UNIT
    return found if sane else ()


def _light(data: bytes) -> tuple[int, int] | None:
    if len(data) < _LIGHT.size:
        return None
    most, mean = _LIGHT.unpack_from(data)
    return (most, mean) if 0 < most <= 0xFFFF and mean <= 0xFFFF else None  # noqa: PLR2004 - 16 bits each


def _named(values: list[str]) -> str:
    """Return `G(x,y)B(x,y)R(x,y)WP(x,y)L(most,least)`, as both encoders read it."""
    red, green, blue, white, (least, most) = _pairs(values)
    colors = {"R": red, "G": green, "B": blue}
    named = [*((name, colors[name]) for name in "GBR"), ("WP", white), ("L", (most, least))]
    return "".join(f"{name}({one},{two})" for name, (one, two) in named)


def _pairs(values: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(values[::2], values[1::2], strict=True))
