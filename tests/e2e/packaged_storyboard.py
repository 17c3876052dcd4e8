"""A storyboard whose tiles tell their numbers: each is of one grey, lighter than the one before it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
from msgspec import structs

from actors.engines.pictures.storyboard import plan_storyboard
from actors.engines.pictures.storyboard_sheets import StoryboardSheets
from storage.keys import derived_key
from storage.ports import Objects
from subjects.media import Storyboard

TILE_SECONDS = 1 / 3
GREY_STEP = 7
"""Of 255."""


async def store_storyboard(objects: Objects, video_id: UUID, directory: Path, seconds: int) -> Storyboard:
    """Store the sheets of a clip of so many seconds; the last one has fewer tiles than the others."""
    counted = plan_storyboard(seconds / TILE_SECONDS, (640, 360))
    plan = replace(counted, interval_seconds=counted.interval_seconds * TILE_SECONDS)
    sheets, (width, height) = StoryboardSheets(plan), plan.tile
    for index in range(len(plan.tiles)):
        sheets.paste(index, np.full((height, width, 3), GREY_STEP * index, np.uint8))
    made = await asyncio.to_thread(sheets.write, directory)
    for name in made.sheet_keys:
        await objects.put_file(derived_key(video_id, name), directory / name)
    return structs.replace(made, sheet_keys=tuple(derived_key(video_id, name) for name in made.sheet_keys))
