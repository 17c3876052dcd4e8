from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from actors.core.actor import Facts
from actors.expirer import SWEEP_LIMIT, Expirer
from actors.finisher import Finisher
from storage.keys import segment_key
from storage.records import LOCAL_USER_ID, NewUpload, Segment
from subjects.stage import JOURNEY
from subjects.video import VideoReady
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


async def abandoned(storage: Any, objects: Any) -> None:
    key = segment_key(UPLOAD, 0, "n")
    await objects.put(key, b"abc")
    segments = [Segment(key=key, size_bytes=3)]
    await storage.uploads.append(UPLOAD, 0, segments, None, NOW + timedelta(hours=1))


def expirer(storage: Any, objects: Any, now: Callable[[], datetime]) -> Expirer:
    return Expirer(objects, storage.uploads, storage.departures, now)


async def test_an_abandoned_upload_is_closed_and_swept(storage: Any, objects: Any, reports: Any) -> None:
    await abandoned(storage, objects)
    later = expirer(storage, objects, lambda: NOW + timedelta(hours=2))
    await later.handle(SweepDue(), reports.ctx)
    assert objects.objects == {}
    assert (await storage.videos.load(VIDEO)).rejection.code == "upload_expired"
    assert [line.subject for line in await storage.outbox.pending(9)] == [f"upload.expired.normal.{VIDEO}"]


async def test_a_second_sweep_finds_nothing_more_to_say(storage: Any, objects: Any, reports: Any) -> None:
    await abandoned(storage, objects)
    later = expirer(storage, objects, lambda: NOW + timedelta(hours=2))
    await later.handle(SweepDue(), reports.ctx)
    await later.handle(SweepDue(), reports.ctx)
    assert len(await storage.outbox.pending(9)) == 1


async def test_an_upload_that_still_has_time_is_left_alone(storage: Any, objects: Any, reports: Any) -> None:
    await abandoned(storage, objects)
    await expirer(storage, objects, lambda: NOW).handle(SweepDue(), reports.ctx)
    assert len(objects.objects) == 1


async def test_a_sweep_forgets_uploads_that_were_swept_long_ago(
    storage: Any, objects: Any, reports: Any
) -> None:
    await abandoned(storage, objects)
    await expirer(storage, objects, lambda: NOW + timedelta(hours=2)).handle(SweepDue(), reports.ctx)
    assert await storage.uploads.find(UPLOAD) is not None
    await expirer(storage, objects, lambda: NOW + timedelta(days=8)).handle(SweepDue(), reports.ctx)
    assert await storage.uploads.find(UPLOAD) is None
    assert (await storage.videos.load(VIDEO)).status == "rejected"


async def test_a_sweep_deletes_more_than_one_batch_of_rows(storage: Any, objects: Any, reports: Any) -> None:
    count = SWEEP_LIMIT * 2 + 1
    for number in range(count):
        upload = NewUpload(
            id=UUID(int=1000 + number),
            user_id=LOCAL_USER_ID,
            video_id=None,
            length_bytes=1,
            content_type="video/mp4",
            created_at=NOW,
            expires_at=NOW,
        )
        await storage.uploads.create(upload)
    await expirer(storage, objects, lambda: NOW).handle(SweepDue(), reports.ctx)
    await expirer(storage, objects, lambda: NOW + timedelta(days=8)).handle(SweepDue(), reports.ctx)
    assert await storage.uploads.find(UUID(int=1000)) is None
    assert await storage.uploads.find(UUID(int=1000 + count - 1)) is None
    assert reports.extended > 0
