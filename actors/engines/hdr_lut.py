"""Tone mapping as a table for libavfilter: the curve that posters get, at the speed of a lookup.

libswscale can map too, but spends 2 to 4 seconds on tables for every chunk and looks unlike the posters;
33 points a side differ from the exact curve by one level of 255 on average.
"""

from pathlib import Path

import numpy as np

from actors.engines.tone_map import tone_mapped

_POINTS = 33
_NAMES = [f"{level / 255:.5f}" for level in range(256)]


def write_lut(transfer: int, path: Path) -> Path:
    """Write the `.cube` file (Adobe's Cube LUT 1.0: red moves fastest) from PQ or HLG BT.2020 to sRGB."""
    axis = np.rint(np.linspace(0, 65535, _POINTS)).astype(np.uint16)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    lattice = np.stack([red, green, blue], axis=-1).reshape(_POINTS * _POINTS, _POINTS, 3)
    rows = tone_mapped(lattice, transfer).reshape(-1, 3).tolist()
    lines = (" ".join(_NAMES[level] for level in row) for row in rows)
    path.write_text(f"LUT_3D_SIZE {_POINTS}\n" + "\n".join(lines) + "\n")
    return path
