"""Fixtures around the house of `house.py`."""

from typing import Any
from uuid import UUID

import pytest

from storage.keys import derived_key, original_key
from storage.records import Illustration, Original
from subjects.media import Picture, Storyboard
from tests.unit.gateway_api.house import House, intent, make_house


@pytest.fixture
def house() -> House:
    return make_house()


@pytest.fixture
def new_house() -> Any:
    """A maker of houses, for tests that change what stands behind."""
    return make_house


@pytest.fixture
def video_intent() -> Any:
    return intent


@pytest.fixture
def illustrated() -> Any:
    """Keeps an original and pictures for a video."""

    async def keep(house: House, video_id: UUID) -> None:
        def picture(name: str, width: int) -> Picture:
            key = derived_key(video_id, name)
            return Picture(key=key, content_type="image/jpeg", width_px=width, height_px=width)

        original = Original(
            key=original_key(video_id, "mp4"), size_bytes=1000, sha256="0" * 64, content_type="video/mp4"
        )
        await house.storage.videos.record_original(video_id, original)
        board = Storyboard(
            vtt_key=derived_key(video_id, "storyboard.vtt"),
            sheet_keys=(derived_key(video_id, "sheet-0.jpg"),),
            tile_width_px=160,
            tile_height_px=90,
            interval_seconds=1.0,
        )
        pictures = Illustration(
            posters=(picture("poster-720.jpg", 720), picture("poster-320.jpg", 320)),
            preview=picture("preview.webp", 320),
            storyboard=board,
        )
        await house.storage.videos.record_illustration(video_id, pictures)

    return keep
