from typing import Any

import pytest
from msgspec.structs import replace

from actors.core.errors import Reject
from actors.packager import Packager
from storage.errors import VideoGoneError
from storage.records import LOCAL_USER_ID
from subjects.codec import seal
from subjects.message import Priority
from subjects.stage import StageSkipped
from subjects.video import VideoDeleted, VideoPlayable, VideoTranscoded
from subjects.work import EncodeChunk, PackageDue
from tests.encoded import METADATA, PLAN, RUNGS, TIMELINE, UNTOUCHED, chunk_of, rendition
from tests.unit.actors.conftest import VIDEO, Reports

FIRST = PackageDue(video_id=VIDEO)
SECOND = PackageDue(video_id=VIDEO, pass_number=1)
QUICK, REST = replace(PLAN, rungs=RUNGS[1:]), replace(PLAN, rungs=RUNGS[:1])


@pytest.fixture
async def packager(storage: Any, objects: Any) -> Packager:
    await storage.videos.record_probe(VIDEO, METADATA, None, None)
    return Packager(objects, storage.videos, storage.renditions)


async def encoded(storage: Any, *plans: Any) -> None:
    """Plan the passes, and record every chunk of those that were planned."""
    for number, plan in enumerate(plans):
        await storage.renditions.plan(VIDEO, plan, number)
        for chunk in range(TIMELINE.chunks) if plan.rungs else ():
            tracks = chunk_of(chunk, plan.rungs).tracks
            await storage.renditions.record_chunk(VIDEO, chunk, tracks, number)


async def test_the_first_pass_makes_the_video_playable_and_orders_the_next(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await encoded(storage, QUICK)
    await storage.renditions.plan(VIDEO, REST, 1)
    playable, *orders = await packager.handle(FIRST, reports.ctx)
    assert playable == VideoPlayable(
        video_id=VIDEO,
        hls_key=f"videos/{VIDEO}/cmaf/v1/master.m3u8",
        dash_key=f"videos/{VIDEO}/cmaf/v1/manifest.mpd",
    )
    assert all(isinstance(order, EncodeChunk) and order.rungs == REST.rungs for order in orders)
    assert [order.chunk for order in orders] == [0, 1, 2]
    assert (await storage.videos.load(VIDEO)).status == "playable"
    assert b"360p-h264.m3u8" in await objects.get(playable.hls_key)


async def test_the_last_pass_ends_the_stage_with_all_renditions_best_first(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await encoded(storage, QUICK, REST)
    await storage.renditions.record_rendition(VIDEO, rendition("audio-aac", "audio"))
    await packager.handle(FIRST, reports.ctx)
    (said,) = await packager.handle(SECOND, reports.ctx)
    assert isinstance(said, VideoTranscoded)
    assert said.renditions == ("720p-h264", "360p-h264", "audio-aac")
    assert said.hls_key == f"videos/{VIDEO}/cmaf/v2/master.m3u8"
    master = (await objects.get(said.hls_key)).decode()
    assert "720p-h264.m3u8" in master
    assert "360p-h264.m3u8" in master
    assert "720p-h264" not in (await objects.get(f"videos/{VIDEO}/cmaf/v1/master.m3u8")).decode()


async def test_an_untouched_source_with_nothing_below_it_is_playable_and_done_at_once(
    storage: Any, packager: Packager, reports: Reports
) -> None:
    await storage.renditions.record_rendition(VIDEO, rendition("original"))
    await encoded(storage, UNTOUCHED)
    playable, done = await packager.handle(FIRST, reports.ctx)
    assert isinstance(playable, VideoPlayable)
    assert isinstance(done, VideoTranscoded)
    assert (playable.hls_key, playable.dash_key) == (done.hls_key, done.dash_key)


async def test_a_redelivery_says_the_same_and_leaves_recorded_playlists_alone(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await encoded(storage, QUICK, REST)
    said = await packager.handle(FIRST, reports.ctx)
    before = dict(objects.objects)
    await packager.handle(SECOND, reports.ctx)
    assert await packager.handle(FIRST, reports.ctx) == said
    assert {key: objects.objects[key] for key in before} == before


async def test_chunks_that_do_not_fit_are_buried_with_the_reason(
    storage: Any, packager: Packager, reports: Reports
) -> None:
    await storage.renditions.plan(VIDEO, QUICK)
    for chunk in range(TIMELINE.chunks):
        (track,) = chunk_of(chunk, QUICK.rungs).tracks
        strange = replace(track, init_sha256=f"{chunk}" * 64)
        await storage.renditions.record_chunk(VIDEO, chunk, (strange,))
    with pytest.raises(Reject) as refused:
        await packager.handle(FIRST, reports.ctx)
    assert refused.value.code == "chunks_do_not_fit"


async def test_a_clip_nothing_of_which_can_be_encoded_is_skipped_and_not_tried_further(
    storage: Any, packager: Packager, reports: Reports
) -> None:
    await storage.renditions.plan(VIDEO, QUICK)
    await storage.renditions.plan(VIDEO, REST, 1)
    for chunk in range(TIMELINE.chunks):
        tracks = () if chunk == 1 else chunk_of(chunk, QUICK.rungs).tracks
        await storage.renditions.record_chunk(VIDEO, chunk, tracks)
    (said,) = await packager.handle(FIRST, reports.ctx)
    assert isinstance(said, StageSkipped)
    assert (said.stage, said.reason) == ("transcoder", "damaged")
    assert await storage.renditions.find_package(VIDEO) is None


async def test_a_source_that_plays_stays_when_nothing_can_be_encoded_beside_it(
    storage: Any, packager: Packager, reports: Reports
) -> None:
    await storage.renditions.record_rendition(VIDEO, rendition("original"))
    await encoded(storage, UNTOUCHED)
    await storage.renditions.plan(VIDEO, PLAN, 1)
    await packager.handle(FIRST, reports.ctx)
    for chunk in range(TIMELINE.chunks):
        await storage.renditions.record_chunk(VIDEO, chunk, (), 1)
    (said,) = await packager.handle(SECOND, reports.ctx)
    assert isinstance(said, VideoTranscoded)
    assert said.renditions == ("original",)


async def test_nothing_is_left_of_a_video_that_is_deleted_while_it_is_packaged(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await encoded(storage, QUICK)

    class Deleting:
        def __getattr__(self, name: str) -> Any:
            return getattr(storage.renditions, name)

        async def record_package(self, *given: Any) -> Any:
            farewell = seal(VideoDeleted(video_id=VIDEO), message_id="d", priority=Priority.NORMAL)
            await storage.videos.remove(VIDEO, LOCAL_USER_ID, farewell)
            return await storage.renditions.record_package(*given)

    with pytest.raises(VideoGoneError):
        await Packager(objects, storage.videos, Deleting()).handle(FIRST, reports.ctx)
    assert objects.objects == {}
