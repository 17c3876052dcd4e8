"""Colours mapped by a table for libavfilter, at the speed of a lookup.

High dynamic range gets the curve that posters get. libswscale can map too, but spends 2 to 4 seconds on
tables for every chunk and looks unlike the posters; 33 points a side differ from the exact curve by one level
of 255 on average.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.engines.pictures.tone_map import narrowed, tone_mapped

_POINTS = 33
_LARGEST = 65535
_NAMES = [f"{level / 255:.5f}" for level in range(256)]


def write_lut(transfer: int, path: Path) -> Path:
    """Write the table from PQ or HLG BT.2020 to sRGB."""
    rows = tone_mapped(_lattice(), transfer).reshape(-1, 3).tolist()
    return _written(path, (" ".join(_NAMES[level] for level in row) for row in rows))


def write_narrowing_lut(path: Path) -> Path:
    """Write the table from BT.2020 of standard range to BT.709."""
    rows = narrowed(_lattice().astype(np.float32) / np.float32(_LARGEST)).reshape(-1, 3).tolist()
    return _written(path, (" ".join(f"{level:.5f}" for level in row) for row in rows))


def _lattice() -> npt.NDArray[np.uint16]:
    """Return every point as uint16 (points * points, points, 3), red moving fastest."""
    axis = np.rint(np.linspace(0, _LARGEST, _POINTS)).astype(np.uint16)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(_POINTS * _POINTS, _POINTS, 3)


def _written(path: Path, lines: Iterable[str]) -> Path:
    """Write a `.cube` file (Adobe's Cube LUT 1.0)."""
    path.write_text(f"LUT_3D_SIZE {_POINTS}\n" + "\n".join(lines) + "\n")
    return path
