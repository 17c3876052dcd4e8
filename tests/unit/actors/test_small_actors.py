from datetime import timedelta
from typing import Any
from uuid import UUID

from actors.core.actor import Facts
from actors.eraser import Eraser
from actors.expirer import Expirer
from actors.finisher import Finisher
from storage.keys import segment_key
from storage.records import Segment
from subjects.stage import JOURNEY
from subjects.video import VideoDeleted, VideoReady
from subjects.work import SweepDue
from tests.unit.actors.conftest import NOW, UPLOAD, VIDEO


async def test_the_finisher_joins_every_stage_of_the_journey() -> None:
    assert len(Finisher.joins) == len(JOURNEY)
    for stage, (done, skipped) in zip(JOURNEY, Finisher.joins, strict=True):
        assert done is stage.done
        assert skipped.only == stage.name


async def test_a_video_with_nothing_left_to_do_is_ready(storage: Any, reports: Any) -> None:
    said = await Finisher(storage.videos).handle(Facts(VIDEO, ()), reports.ctx)
    assert said == (VideoReady(video_id=VIDEO),)
    assert (await storage.videos.load(VIDEO)).status == "ready"


async def test_a_deleted_video_leaves_no_object_and_others_keep_theirs(objects: Any, reports: Any) -> None:
    other = UUID(int=9)
    for key in (
        f"videos/{VIDEO}/original.mp4",
        f"videos/{VIDEO}/poster-320.jpg",
        f"videos/{other}/original.mp4",
    ):
        await objects.put(key, b"x")
    await Eraser(objects).handle(VideoDeleted(video_id=VIDEO), reports.ctx)
    assert list(objects.objects) == [f"videos/{other}/original.mp4"]


async def abandoned(storage: Any, objects: Any) -> None:
    key = segment_key(UPLOAD, 0, "n")
    await objects.put(key, b"abc")
    segments = [Segment(key=key, size_bytes=3)]
    await storage.uploads.append(UPLOAD, 0, segments, None, NOW + timedelta(hours=1))


async def test_an_abandoned_upload_is_closed_and_swept(storage: Any, objects: Any, reports: Any) -> None:
    await abandoned(storage, objects)
    later = Expirer(objects, storage.uploads, lambda: NOW + timedelta(hours=2))
    await later.handle(SweepDue(), reports.ctx)
    assert objects.objects == {}
    assert (await storage.videos.load(VIDEO)).rejection.code == "upload_expired"
    assert [line.subject for line in await storage.outbox.pending(9)] == [f"upload.expired.normal.{VIDEO}"]


async def test_a_second_sweep_finds_nothing_more_to_say(storage: Any, objects: Any, reports: Any) -> None:
    await abandoned(storage, objects)
    later = Expirer(objects, storage.uploads, lambda: NOW + timedelta(hours=2))
    await later.handle(SweepDue(), reports.ctx)
    await later.handle(SweepDue(), reports.ctx)
    assert len(await storage.outbox.pending(9)) == 1


async def test_an_upload_that_still_has_time_is_left_alone(storage: Any, objects: Any, reports: Any) -> None:
    await abandoned(storage, objects)
    await Expirer(objects, storage.uploads, lambda: NOW).handle(SweepDue(), reports.ctx)
    assert len(objects.objects) == 1
