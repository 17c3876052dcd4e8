import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.core.errors import Retry
from actors.engines.packaging.package_version import best_first
from actors.packager import TURNS, Packager
from storage.errors import VideoGoneError
from storage.keys import derived_key
from storage.memory.objects import MemoryObjects
from storage.records import LOCAL_USER_ID, Illustration
from subjects.codec import seal
from subjects.media import Storyboard
from subjects.message import Priority
from subjects.stage import StageSkipped
from subjects.video import VideoDeleted, VideoPlayable, VideoThumbnailed, VideoTranscoded
from subjects.work import EncodeChunk, PackageDue
from tests.encoded import METADATA, PLAN, RUNGS, TIMELINE, UNTOUCHED, chunk_of, rendition
from tests.unit.actors.conftest import VIDEO, Reports, new_storage

FIRST = PackageDue(video_id=VIDEO)
SECOND = PackageDue(video_id=VIDEO, pass_number=1)
PICTURED = VideoThumbnailed(video_id=VIDEO, posters=())
BOARD = Storyboard(
    vtt_key=derived_key(VIDEO, "storyboard.vtt"),
    sheet_keys=(derived_key(VIDEO, "storyboard-1.jpg"), derived_key(VIDEO, "storyboard-2.jpg")),
    tile_width_px=160,
    tile_height_px=90,
    interval_seconds=1.0,
    tiles=37,
    sheet_sizes_bytes=(30_000, 15_000),
)
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
    package = await storage.renditions.find_package(VIDEO)
    assert playable == VideoPlayable(video_id=VIDEO, hls_key=package.hls_key, dash_key=package.dash_key)
    assert package.version == 1
    assert all(isinstance(order, EncodeChunk) and order.rungs == REST.rungs for order in orders)
    assert [order.chunk for order in orders] == [0, 1, 2]
    assert (await storage.videos.load(VIDEO)).status == "playable"
    assert b"360p-h264.m3u8" in await objects.get(playable.hls_key)


async def test_the_last_pass_ends_the_stage_with_all_renditions_best_first(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await encoded(storage, QUICK, REST)
    await storage.renditions.record_rendition(VIDEO, rendition("audio-aac", "audio"))
    early, *_ = await packager.handle(FIRST, reports.ctx)
    (said,) = await packager.handle(SECOND, reports.ctx)
    assert isinstance(said, VideoTranscoded)
    assert said.renditions == ("720p-h264", "360p-h264", "audio-aac")
    assert (await storage.renditions.find_package(VIDEO)).hls_key == said.hls_key != early.hls_key
    master = (await objects.get(said.hls_key)).decode()
    assert "720p-h264.m3u8" in master
    assert "360p-h264.m3u8" in master
    assert "720p-h264" not in (await objects.get(early.hls_key)).decode()


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


async def pictured(storage: Any) -> None:
    await storage.videos.record_illustration(VIDEO, Illustration(posters=(), storyboard=BOARD))


async def test_a_storyboard_that_comes_before_anything_plays_is_in_the_first_playlists(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await pictured(storage)
    assert await packager.handle(PICTURED, reports.ctx) == ()
    assert objects.objects == {}
    await encoded(storage, QUICK)
    playable, _ = await packager.handle(FIRST, reports.ctx)
    assert b"EXT-X-IMAGE-STREAM-INF" in await objects.get(playable.hls_key)


async def test_a_storyboard_that_comes_later_is_in_a_further_version_and_changes_nothing_that_was_said(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await encoded(storage, QUICK, REST)
    said = [await packager.handle(order, reports.ctx) for order in (FIRST, SECOND)]
    await pictured(storage)
    for _ in range(2):
        assert await packager.handle(PICTURED, reports.ctx) == ()
    newest = await storage.renditions.find_package(VIDEO)
    assert newest.version == 3
    assert b"thumbnail_tile" in await objects.get(newest.dash_key)
    assert [await packager.handle(order, reports.ctx) for order in (FIRST, SECOND)] == said
    assert await storage.renditions.find_package(VIDEO) == newest


async def test_a_pass_that_adds_nothing_is_told_with_the_playlists_that_there_are(
    storage: Any, packager: Packager, reports: Reports
) -> None:
    await storage.renditions.record_rendition(VIDEO, rendition("original"))
    await encoded(storage, UNTOUCHED, UNTOUCHED)
    playable, *_ = await packager.handle(FIRST, reports.ctx)
    (done,) = await packager.handle(SECOND, reports.ctx)
    assert done.hls_key == playable.hls_key
    assert (await storage.renditions.find_package(VIDEO)).version == 1


class Meanwhile:
    """Renditions beside which other things happen: each time before a package is kept, or after it."""

    def __init__(self, renditions: Any, *, before: Any = None, after: Any = None) -> None:
        self.renditions, self.before, self.after = renditions, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.renditions, name)

    async def record_package(self, *given: Any) -> Any:
        if self.before is not None:
            await self.before()
        kept = await self.renditions.record_package(*given)
        if self.after is not None:
            await self.after()
        return kept


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_storyboard_that_appears_while_the_first_playlists_are_written_is_in_the_newest(
    storage: Any, objects: Any, packager: Packager, reports: Reports, moment: str
) -> None:
    await encoded(storage, QUICK)

    async def thumbnailed() -> None:
        await pictured(storage)
        if moment == "before":
            assert await packager.handle(PICTURED, Reports().ctx) == ()

    busy = Packager(objects, storage.videos, Meanwhile(storage.renditions, **{moment: thumbnailed}))
    playable, _ = await busy.handle(FIRST, reports.ctx)
    newest = await storage.renditions.find_package(VIDEO)
    assert newest.hls_key == playable.hls_key
    assert b"EXT-X-IMAGE-STREAM-INF" in await objects.get(newest.hls_key)


async def test_of_two_packagers_the_slower_does_not_hide_what_the_faster_one_knew(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await encoded(storage, QUICK, REST)
    await packager.handle(FIRST, reports.ctx)
    overtaken = asyncio.Event()

    async def last_pass() -> None:
        if not overtaken.is_set():
            overtaken.set()
            await packager.handle(SECOND, Reports().ctx)

    await pictured(storage)
    slow = Packager(objects, storage.videos, Meanwhile(storage.renditions, before=last_pass))
    await slow.handle(PICTURED, reports.ctx)
    master = await objects.get((await storage.renditions.find_package(VIDEO)).hls_key)
    assert b"EXT-X-IMAGE-STREAM-INF" in master
    assert b"720p-h264" in master


async def test_who_is_overtaken_for_ever_comes_back_later(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await encoded(storage, QUICK)
    names = iter(f"{number}p-av1" for number in range(TURNS + 1))

    async def another() -> None:
        await storage.renditions.record_rendition(VIDEO, rendition(next(names)))

    with pytest.raises(Retry):
        await Packager(objects, storage.videos, Meanwhile(storage.renditions, after=another)).handle(
            FIRST, reports.ctx
        )
    said = await packager.handle(FIRST, reports.ctx)
    assert len(said[-1].renditions) == TURNS + 1


class Slow:
    """A bucket that lets others run, as often as it is told, before it has kept anything."""

    def __init__(self, pauses: Any) -> None:
        self.kept, self.pauses = MemoryObjects(), pauses

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kept, name)

    async def put(self, key: str, data: bytes) -> None:
        for _ in range(self.pauses()):
            await asyncio.sleep(0)
        await self.kept.put(key, data)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
async def test_whoever_comes_first_the_newest_version_holds_everything(pauses: list[int]) -> None:
    storage = await new_storage()
    await storage.videos.record_probe(VIDEO, METADATA, None, None)
    await encoded(storage, QUICK, REST)
    turn = iter(pauses * 1000)
    objects = Slow(lambda: next(turn))
    packager = Packager(objects, storage.videos, storage.renditions)

    async def thumbnails() -> None:
        for _ in range(next(turn)):
            await asyncio.sleep(0)
        await pictured(storage)
        await packager.handle(PICTURED, Reports().ctx)

    await asyncio.gather(
        packager.handle(FIRST, Reports().ctx), packager.handle(SECOND, Reports().ctx), thumbnails()
    )
    newest = await storage.renditions.find_package(VIDEO)
    master = await objects.get(newest.hls_key)
    assert all(what in master for what in (b"EXT-X-IMAGE-STREAM-INF", b"720p-h264.m3u8", b"360p-h264.m3u8"))
    versions = storage.renditions.state.packages[VIDEO]
    assert [*versions] == [*range(1, len(versions) + 1)]


async def test_encrypted_renditions_have_no_manifest_of_dash(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await storage.renditions.record_rendition(VIDEO, replace(rendition("original"), key_name="k1"))
    await encoded(storage, UNTOUCHED)
    playable, _ = await packager.handle(FIRST, reports.ctx)
    assert isinstance(playable, VideoPlayable)
    assert playable.dash_key is None
    assert not [key for key in objects.objects if key.endswith(".mpd")]


def test_the_sound_that_is_heard_first_is_the_first_of_the_sounds() -> None:
    sounds = [
        replace(rendition(name, "audio"), default=name == "audio-aac-2", bandwidth_bps=bandwidth_bps)
        for name, bandwidth_bps in (("audio-aac-10", 9), ("audio-aac-3", 5), ("audio-aac-2", 1))
    ]
    names = [one.name for one in best_first([*sounds, rendition("720p-h264")])]
    assert names == ["720p-h264", "audio-aac-2", "audio-aac-3", "audio-aac-10"]


async def test_a_clip_nothing_of_which_can_be_decoded_is_skipped_after_its_last_pass(
    storage: Any, packager: Packager, reports: Reports
) -> None:
    for number, plan in enumerate((QUICK, REST)):
        await storage.renditions.plan(VIDEO, plan, number)
        for chunk in range(TIMELINE.chunks):
            tracks = () if chunk == 1 else chunk_of(chunk, plan.rungs).tracks
            await storage.renditions.record_chunk(VIDEO, chunk, tracks, number)
    orders = await packager.handle(FIRST, reports.ctx)
    assert [one.pass_number for one in orders] == [1, 1, 1]
    (said,) = await packager.handle(SECOND, reports.ctx)
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
