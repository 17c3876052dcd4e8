import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from actors.engines.errors import BadMedia, JobKilled, Refusal
from actors.engines.pictures.thumbnails import Illustration as Drawn
from actors.thumbnailer import Thumbnailer
from storage.errors import VideoGoneError
from storage.records import LOCAL_USER_ID
from storage.workspace import Workspace
from subjects.codec import seal
from subjects.media import Frame, Metadata, Picture, Storyboard
from subjects.message import Priority
from subjects.stage import StageSkipped
from subjects.video import VideoDeleted, VideoProbed, VideoThumbnailed
from tests.unit.actors.conftest import Reports

VIDEO = UUID(int=1)
KEY = f"videos/{VIDEO}/original.mp4"
METADATA = Metadata(
    duration_seconds=2.0,
    format="mp4",
    size_bytes=3,
    width_px=720,
    height_px=1280,
    fps=30.0,
    codec="h264",
    bitrate_bps=12,
)
EVENT = VideoProbed(video_id=VIDEO, key=KEY, sha256="a" * 64, metadata=METADATA)
DRAWN = Drawn(
    posters=(Picture(key="poster-320.jpg", content_type="image/jpeg", width_px=320, height_px=568),),
    poster_at_seconds=0.5,
    storyboard=Storyboard(
        vtt_key="storyboard.vtt",
        sheet_keys=("storyboard-1.jpg",),
        tile_width_px=90,
        tile_height_px=160,
        interval_seconds=1.0,
    ),
    frames=(Frame(key="frame-1.jpg", at_seconds=0.5, score=0.9),),
)
FILES = ("poster-320.jpg", "storyboard.vtt", "storyboard-1.jpg", "frame-1.jpg")


class Engine:
    """Draws small files, or raises."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.asked = 0

    async def illustrate(self, path: Path, metadata: Metadata, out_dir: Path, on_progress: Any) -> Drawn:
        self.asked += 1
        if self.trouble:
            raise self.trouble
        for name in FILES:
            (out_dir / name).write_bytes(name.encode())
        return DRAWN


@pytest.fixture
async def stored(objects: Any) -> Any:
    await objects.put(KEY, b"abc")
    return objects


async def test_every_picture_is_stored_under_its_video_and_said(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    actor = Thumbnailer(Engine(), stored, storage.videos, Workspace(stored, tmp_path, kept_bytes=0))
    (said,) = await actor.handle(EVENT, reports.ctx)
    assert isinstance(said, VideoThumbnailed)
    assert said.posters[0].key == f"videos/{VIDEO}/poster-320.jpg"
    assert said.storyboard is not None
    assert said.storyboard.sheet_keys == (f"videos/{VIDEO}/storyboard-1.jpg",)
    assert {key for key in stored.objects if key != KEY} == {f"videos/{VIDEO}/{name}" for name in FILES}
    assert (await storage.videos.load(VIDEO)).illustration.frames == said.frames
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - of three names


async def test_a_redelivery_answers_from_the_row(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    engine = Engine()
    actor = Thumbnailer(engine, stored, storage.videos, Workspace(stored, tmp_path, kept_bytes=0))
    assert await actor.handle(EVENT, reports.ctx) == await actor.handle(EVENT, reports.ctx)
    assert engine.asked == 1


async def test_a_clip_without_a_decodable_frame_is_skipped_and_says_why(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    actor = Thumbnailer(
        Engine(BadMedia(Refusal.NO_FRAMES)), stored, storage.videos, Workspace(stored, tmp_path, kept_bytes=0)
    )
    (said,) = await actor.handle(EVENT, reports.ctx)
    assert isinstance(said, StageSkipped)
    assert (said.stage, said.reason) == ("thumbnailer", "no_frames")


async def test_a_clip_that_kills_every_child_is_skipped_on_the_third(
    storage: Any, stored: Any, tmp_path: Path
) -> None:
    actor = Thumbnailer(
        Engine(JobKilled("SIGSEGV")), stored, storage.videos, Workspace(stored, tmp_path, kept_bytes=0)
    )
    for attempt in (1, 2):
        with pytest.raises(JobKilled):
            await actor.handle(EVENT, Reports(attempt).ctx)
    (said,) = await actor.handle(EVENT, Reports(3).ctx)
    assert isinstance(said, StageSkipped)
    assert said.reason == "damaged"


async def test_nothing_is_left_of_a_video_deleted_while_it_was_drawn(
    storage: Any, stored: Any, reports: Reports, tmp_path: Path
) -> None:
    class Deleting(Engine):
        async def illustrate(self, *given: Any) -> Drawn:
            farewell = seal(VideoDeleted(video_id=VIDEO), message_id="d", priority=Priority.NORMAL)
            await storage.videos.remove(VIDEO, LOCAL_USER_ID, farewell)
            return await super().illustrate(*given)

    with pytest.raises(VideoGoneError):
        await Thumbnailer(
            Deleting(), stored, storage.videos, Workspace(stored, tmp_path, kept_bytes=0)
        ).handle(EVENT, reports.ctx)
    assert stored.objects == {}
