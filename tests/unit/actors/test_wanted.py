"""Whatever an actor has a child do, it ends soon after the video is deleted."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.prober import Prober
from actors.thumbnailer import Thumbnailer
from actors.transcoder import Transcoder
from storage.errors import VideoGoneError
from storage.records import LOCAL_USER_ID
from storage.workspace import Workspace
from subjects.codec import seal
from subjects.message import Priority
from subjects.video import VideoDeleted, VideoProbed, VideoUploaded
from tests.encoded import KEY, METADATA
from tests.unit.actors.conftest import VIDEO, Reports

UPLOADED = VideoUploaded(video_id=VIDEO, key=KEY, size_bytes=3, sha256="a" * 64, content_type="video/mp4")
PROBED = VideoProbed(video_id=VIDEO, key=KEY, sha256="a" * 64, metadata=METADATA)


class Endless:
    """An engine whose child never says anything, while the owner deletes the video."""

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        self.ended = asyncio.Event()

    async def work(self, *_: Any, **__: Any) -> Any:
        farewell = seal(VideoDeleted(video_id=VIDEO), message_id="d", priority=Priority.NORMAL)
        try:
            await self.storage.videos.remove(VIDEO, LOCAL_USER_ID, farewell)
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    probe = illustrate = prepare = work


def prober(engine: Any, storage: Any, objects: Any, place: Workspace) -> Any:
    return Prober(engine, storage.videos, place, look_seconds=0.01)


def thumbnailer(engine: Any, storage: Any, objects: Any, place: Workspace) -> Any:
    return Thumbnailer(engine, objects, storage.videos, place, look_seconds=0.01)


def transcoder(engine: Any, storage: Any, objects: Any, place: Workspace) -> Any:
    return Transcoder(engine, objects, storage.videos, storage.renditions, place, look_seconds=0.01)


@pytest.mark.parametrize(
    ("made", "event"), [(prober, UPLOADED), (thumbnailer, PROBED), (transcoder, PROBED)],
    ids=["prober", "thumbnailer", "transcoder"],
)  # fmt: skip
async def test_a_child_ends_soon_after_its_video_is_deleted_however_silent_it_is(
    made: Callable[..., Any], event: Any, storage: Any, objects: Any, reports: Reports, tmp_path: Path
) -> None:
    await objects.put(KEY, b"abc")
    engine = Endless(storage)
    actor = made(engine, storage, objects, Workspace(objects, tmp_path, kept_bytes=0))
    async with asyncio.timeout(5):
        with pytest.raises(VideoGoneError):
            await actor.handle(event, reports.ctx)
    assert engine.ended.is_set()
