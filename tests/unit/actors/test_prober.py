from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from actors.engines.clip.probe import Probe
from actors.engines.errors import BadMedia, JobKilled, Refusal
from actors.prober import Prober
from storage.records import Original
from storage.workspace import Workspace
from subjects.media import Location, Metadata
from subjects.video import VideoProbed, VideoRejected, VideoUploaded
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
PLACE = Location(lat=48.8584, lng=2.2945, source="container")
EVENT = VideoUploaded(video_id=VIDEO, key=KEY, size_bytes=3, sha256="a" * 64, content_type="video/mp4")


class Engine:
    """Answers with a probe, or raises."""

    def __init__(self, answer: Probe | Exception) -> None:
        self.answer = answer
        self.asked = 0

    async def probe(self, path: Path, *, size_bytes: int, on_progress: Any) -> Probe:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
async def videos(storage: Any, objects: Any) -> Any:
    await objects.put(KEY, b"abc")
    original = Original(key=KEY, size_bytes=3, sha256="a" * 64, content_type="video/mp4")
    await storage.videos.record_original(VIDEO, original)
    return storage.videos


async def test_what_was_learned_is_kept_and_said(
    videos: Any, objects: Any, reports: Any, tmp_path: Path
) -> None:
    when = datetime(2025, 5, 4, tzinfo=UTC)
    engine = Engine(Probe(metadata=METADATA, location=PLACE, recorded_at=when))
    (said,) = await Prober(engine, videos, Workspace(objects, tmp_path)).handle(EVENT, reports.ctx)
    assert isinstance(said, VideoProbed)
    assert (said.metadata, said.location, said.recorded_at) == (METADATA, PLACE, when)
    assert (await videos.load(VIDEO)).metadata == METADATA


async def test_a_redelivery_answers_from_the_row(
    videos: Any, objects: Any, reports: Any, tmp_path: Path
) -> None:
    engine = Engine(Probe(metadata=METADATA))
    actor = Prober(engine, videos, Workspace(objects, tmp_path))
    assert await actor.handle(EVENT, reports.ctx) == await actor.handle(EVENT, reports.ctx)
    assert engine.asked == 1


async def test_a_refused_clip_is_rejected_with_its_code(
    videos: Any, objects: Any, reports: Any, tmp_path: Path
) -> None:
    actor = Prober(Engine(BadMedia(Refusal.NO_VIDEO)), videos, Workspace(objects, tmp_path))
    (said,) = await actor.handle(EVENT, reports.ctx)
    assert isinstance(said, VideoRejected)
    assert said.code == "no_video"
    assert (await videos.load(VIDEO)).status == "rejected"


async def test_a_dying_child_is_tried_again_before_the_clip_is_blamed(
    videos: Any, objects: Any, tmp_path: Path
) -> None:
    actor = Prober(Engine(JobKilled("memory")), videos, Workspace(objects, tmp_path))
    for attempt in (1, 2):
        with pytest.raises(JobKilled):
            await actor.handle(EVENT, Reports(attempt).ctx)
    (said,) = await actor.handle(EVENT, Reports(3).ctx)
    assert isinstance(said, VideoRejected)
    assert said.code == "damaged"
