"""What the numbers in a picture mean, in the codes of ITU-T H.273 that libav and the encoders share. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from actors.engines.clip.hdr import TRANSFER_HLG, TRANSFER_PQ

_BT709, _UNSPECIFIED, _BT470BG, _SMPTE170M, _SMPTE240M = 1, 2, 5, 6, 7
_BT2020_NCL, _BT2020_CL = 9, 10
_BT2020, _DISPLAY_P3 = 9, 12
_RGB, _FCC, _YCGCO = 0, 4, 8
_HD_HEIGHT_PX = 720
_FULL_RANGE = 2
_NAMES = {
    _BT709: "bt709",
    _FCC: "fcc",
    _BT470BG: "bt470bg",
    _SMPTE170M: "smpte170m",
    _SMPTE240M: "smpte240m",
    _YCGCO: "ycgco",
    _BT2020_NCL: "bt2020nc",
    _BT2020_CL: "bt2020c",
}
_STANDARD = {_BT709, _BT470BG, _SMPTE170M}


@dataclass(frozen=True, slots=True)
class Color:
    """What an encoder writes beside the picture; always limited range."""

    primaries: int
    transfer: int
    matrix: int


BT709 = Color(_BT709, _BT709, _BT709)
HIGH_RANGES: Final = {
    "PQ": Color(_BT2020_NCL, TRANSFER_PQ, _BT2020_NCL),
    "HLG": Color(_BT2020_NCL, TRANSFER_HLG, _BT2020_NCL),
}
"""BT.2100, by what players call the range; its primaries have the same number as its matrix."""


@dataclass(frozen=True, slots=True)
class SourceColor:
    """How a decoded picture is stored."""

    matrix: int
    transfer: int
    primaries: int
    full_range: bool
    is_rgb: bool

    @classmethod
    def of(
        cls, tags: tuple[int, int, int, int], *, height_px: int, is_rgb: bool, is_jpeg: bool
    ) -> "SourceColor":
        """From (matrix, transfer, primaries, range) as tagged; untagged high definition is BT.709."""
        matrix, transfer, primaries, span = tags
        if is_rgb:
            matrix = _RGB
        elif matrix in {_RGB, _UNSPECIFIED} or matrix not in _NAMES:
            matrix = _BT709 if height_px >= _HD_HEIGHT_PX and not is_jpeg else _SMPTE170M
        full = is_rgb or is_jpeg or span == _FULL_RANGE
        return cls(matrix, transfer, primaries, full, is_rgb)

    @property
    def is_hdr(self) -> bool:
        """Whether the picture has to be tone mapped."""
        return self.transfer in {TRANSFER_PQ, TRANSFER_HLG}

    @property
    def is_wide(self) -> bool:
        """Whether it has the primaries of BT.2020 in standard range, which few players convert."""
        return self.primaries == _BT2020 and not self.is_hdr

    @property
    def matrix_name(self) -> str:
        """As libavfilter calls the matrix."""
        return "gbr" if self.is_rgb else _NAMES[self.matrix]

    @property
    def encoded(self) -> Color:
        """How it leaves the filters: a standard matrix stays, so that no pixel is touched without need.

        So do the primaries of Display P3, which cameras and screens of phones have: players know them.
        """
        if self.is_hdr or self.is_wide:
            return BT709
        if self.is_rgb or self.matrix not in _STANDARD:
            return replace(BT709, primaries=self.primaries) if self.primaries == _DISPLAY_P3 else BT709
        transfer = self.transfer if self.transfer in {_BT709, _SMPTE170M} else self.matrix
        primaries = self.primaries if self.primaries in {*_STANDARD, _DISPLAY_P3} else self.matrix
        return Color(primaries, _SMPTE170M if transfer == _BT470BG else transfer, self.matrix)
