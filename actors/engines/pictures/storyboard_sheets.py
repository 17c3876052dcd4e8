"""Sprite sheets: tiles are pasted as they come, and written when all have."""

from pathlib import Path

import numpy as np

from actors.engines.clip.picture_geometry import Size
from actors.engines.pictures.picture_encode import jpeg
from actors.engines.pictures.storyboard import COLUMNS, ROWS, StoryboardPlan
from actors.engines.pictures.tone_map import Rgb8
from actors.engines.pictures.webvtt import storyboard_map
from subjects.media import Storyboard

VTT_NAME = "storyboard.vtt"
_QSCALE = 6  # tiles are small and many


class StoryboardSheets:
    """The sheets of one storyboard in memory: at most four of 800 x 1440 pixels."""

    def __init__(self, plan: StoryboardPlan) -> None:
        self._plan = plan
        self._sheets = [
            np.zeros((*reversed(plan.sheet_size(sheet)), 3), np.uint8) for sheet in range(plan.sheet_count)
        ]
        self._filled: set[int] = set()

    @property
    def tile_size(self) -> Size:
        """Width and height of a tile."""
        return self._plan.tile

    def paste(self, index: int, rgb: Rgb8) -> None:
        """Put a picture of the tile's size, uint8 (h, w, 3), in the tile's place."""
        tile, (width, height) = self._plan.tiles[index], self._plan.tile
        top, left = tile.row * height, tile.column * width
        self._sheets[tile.sheet][top : top + height, left : left + width] = rgb
        self._filled.add(index)

    def write(self, out_dir: Path) -> Storyboard:
        """Write the sheets and their map; a tile without a picture shows the one before it."""
        self._fill_gaps()
        names = tuple(f"storyboard-{sheet + 1}.jpg" for sheet in range(len(self._sheets)))
        pictures = [jpeg(sheet, _QSCALE) for sheet in self._sheets]
        for name, picture in zip(names, pictures, strict=True):
            (out_dir / name).write_bytes(picture)
        (out_dir / VTT_NAME).write_text(storyboard_map(self._plan, names), "utf-8")
        width, height = self._plan.tile
        return Storyboard(
            vtt_key=VTT_NAME,
            sheet_keys=names,
            tile_width_px=width,
            tile_height_px=height,
            interval_seconds=self._plan.interval_seconds,
            columns=COLUMNS,
            rows=ROWS,
            tiles=len(self._plan.tiles),
            sheet_sizes_bytes=tuple(map(len, pictures)),
        )

    def _fill_gaps(self) -> None:
        last = None
        for index in range(len(self._plan.tiles)):
            if index in self._filled:
                last = self._picture(index)
            elif last is not None:
                self.paste(index, last)

    def _picture(self, index: int) -> Rgb8:
        tile, (width, height) = self._plan.tiles[index], self._plan.tile
        top, left = tile.row * height, tile.column * width
        return self._sheets[tile.sheet][top : top + height, left : left + width]
