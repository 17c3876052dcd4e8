"""A storyboard as a track of pictures that players of HLS and DASH know: when each sheet is, and how large.

Pure. What lies on a sheet is told by numbers only, so every fact about it must be known: `is_told` says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from subjects.media import Storyboard

NUMBER: Final = "$Number$"
"""What stands for a sheet's number, from 1, in a template of keys (ISO/IEC 23009-1, 5.3.9.4.4)."""
_MICROSECONDS: Final = 1_000_000
_SHORTEST: Final = Fraction(1, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One picture of many tiles, and from when until when it is looked into."""

    key: str
    columns: int
    rows: int
    bits: int
    tiles_seconds: Fraction
    """What its tiles stand for together."""
    start_seconds: Fraction
    end_seconds: Fraction


def is_told(storyboard: Storyboard) -> bool:
    """Whether the sheets are those of so many tiles, of known sizes, and named by their numbers."""
    a_sheet, count = storyboard.columns * storyboard.rows, len(storyboard.sheet_keys)
    return (
        min(storyboard.columns, storyboard.rows, storyboard.tile_width_px, storyboard.tile_height_px) > 0
        and storyboard.interval_seconds > 0
        and (count - 1) * a_sheet < storyboard.tiles <= count * a_sheet
        and len(storyboard.sheet_sizes_bytes) == count
        and _is_numbered(storyboard.sheet_keys)
    )


def sheets_of(storyboard: Storyboard, end_seconds: Fraction) -> tuple[Sheet, ...]:
    """Return the sheets of a storyboard that is told; the last one is looked into until the video ends.

    A video that ends before its last sheet begins still has it, for as long as its tiles stand for.
    """
    return tuple(_sheets(storyboard, end_seconds))


def interval_of(storyboard: Storyboard) -> Fraction:
    """Return the seconds that a tile stands for, to the microsecond."""
    return Fraction(max(1, round(storyboard.interval_seconds * _MICROSECONDS)), _MICROSECONDS)


def template_of(storyboard: Storyboard) -> str:
    """Return the key of all sheets with `$Number$` in the number's place."""
    before, after = _around_number(storyboard.sheet_keys[0])
    return f"{before}{NUMBER}{after}"


def largest_bps(sheets: tuple[Sheet, ...]) -> int:
    """Return the bandwidth that loads each sheet in the time that its tiles stand for."""
    return max(_rate_bps(sheet.bits, sheet.tiles_seconds) for sheet in sheets)


def average_bps(sheets: tuple[Sheet, ...]) -> int:
    """Return the bandwidth that loads all of them in the time that all tiles stand for."""
    seconds = sum((sheet.tiles_seconds for sheet in sheets), Fraction(0))
    return _rate_bps(sum(sheet.bits for sheet in sheets), seconds)


def _sheets(storyboard: Storyboard, end_seconds: Fraction) -> Iterator[Sheet]:
    columns, a_sheet = storyboard.columns, storyboard.columns * storyboard.rows
    interval, last = interval_of(storyboard), len(storyboard.sheet_keys) - 1
    named = zip(storyboard.sheet_keys, storyboard.sheet_sizes_bytes, strict=True)
    for number, (key, size_bytes) in enumerate(named):
        tiles = min(a_sheet, storyboard.tiles - number * a_sheet)
        start = number * a_sheet * interval
        is_end = number == last and end_seconds - start >= _SHORTEST
        yield Sheet(
            key=key,
            columns=min(columns, tiles),
            rows=-(-tiles // columns),
            bits=8 * size_bytes,
            tiles_seconds=tiles * interval,
            start_seconds=start,
            end_seconds=end_seconds if is_end else start + tiles * interval,
        )


def _rate_bps(bits: int, seconds: Fraction) -> int:
    """Rounded up: what is announced may never be exceeded."""
    return -(-bits * seconds.denominator // seconds.numerator)


def _is_numbered(keys: tuple[str, ...]) -> bool:
    """Whether the keys differ in a number only, which counts from 1."""
    if not keys or "$" in keys[0]:
        return False
    before, after = _around_number(keys[0])
    return keys == tuple(f"{before}{number}{after}" for number in range(1, len(keys) + 1))


def _around_number(key: str) -> tuple[str, str]:
    before, _, after = key.rpartition("1")
    return before, after
