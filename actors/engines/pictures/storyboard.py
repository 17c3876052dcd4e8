"""The plan of a storyboard: how many tiles, when, how large, and where on which sheet. Pure."""

import math
from dataclasses import dataclass

from actors.engines.clip.picture_geometry import Size, fit

COLUMNS = ROWS = 5
MAX_TILES = 100
TILE_BOX_PX = (160, 288)
_INTERVALS_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0)
_SHORT_SECONDS = 10.0
_LEAST_SECONDS = 0.001  # the resolution of WebVTT


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: the time it stands for, and its place."""

    start_seconds: float
    end_seconds: float
    sheet: int
    column: int
    row: int

    @property
    def middle_seconds(self) -> float:
        """The moment that is pictured."""
        return (self.start_seconds + self.end_seconds) / 2


@dataclass(frozen=True, slots=True)
class StoryboardPlan:
    """All tiles in order of time, which cover the clip without a gap."""

    tile: Size
    interval_seconds: float
    tiles: tuple[Tile, ...]

    @property
    def sheet_count(self) -> int:
        """How many sheets there are."""
        return self.tiles[-1].sheet + 1

    def sheet_size(self, sheet: int) -> Size:
        """The size of a sheet; the last one is only as large as its tiles need."""
        mine = [tile for tile in self.tiles if tile.sheet == sheet]
        columns, rows = max(tile.column for tile in mine) + 1, max(tile.row for tile in mine) + 1
        return columns * self.tile[0], rows * self.tile[1]


def choose_interval_seconds(duration_seconds: float) -> float:
    """The time between tiles: a round number that keeps the tiles under the cap."""
    first = 0 if duration_seconds <= _SHORT_SECONDS else 1
    for interval in _INTERVALS_SECONDS[first:]:
        if duration_seconds / interval <= MAX_TILES:
            return interval
    return duration_seconds / MAX_TILES


def plan_storyboard(duration_seconds: float, displayed: Size) -> StoryboardPlan:
    """The storyboard of a clip; there is at least one tile."""
    duration = max(duration_seconds, _LEAST_SECONDS)
    interval = choose_interval_seconds(duration)
    count = min(MAX_TILES, max(1, math.ceil(duration / interval - _LEAST_SECONDS)))
    tiles = tuple(_tile(index, interval, duration, last=index == count - 1) for index in range(count))
    return StoryboardPlan(fit(displayed, TILE_BOX_PX), interval, tiles)


def _tile(index: int, interval: float, duration: float, *, last: bool) -> Tile:
    sheet, place = divmod(index, COLUMNS * ROWS)
    row, column = divmod(place, COLUMNS)
    start, end = index * interval, (index + 1) * interval  # the very numbers of the next tile
    return Tile(start, duration if last else end, sheet, column, row)
