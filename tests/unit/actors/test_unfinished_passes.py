"""Passes that cannot be finished: the video plays what there is, and a retry makes the rest."""

from typing import Any

import pytest
from msgspec.structs import replace

from actors.core.errors import Reject
from actors.engines.cmaf.stitching import odd_chunks, stuck_chunks
from actors.engines.ladder.passes import is_made
from actors.engines.ladder.unfinished import TIMES_AGAIN
from actors.packager import Packager
from storage.errors import VideoGoneError
from storage.records import LOCAL_USER_ID
from storage.rendition_records import EncodedChunk, EncodedTrack, EncodingPlan
from subjects.codec import seal
from subjects.message import Priority
from subjects.video import VideoDeleted, VideoPlayable, VideoTranscoded
from subjects.warning import WarningCode, warned
from subjects.work import EncodeChunk, PackageDue
from tests.encoded import METADATA, PLAN, RUNGS, TIMELINE, UNTOUCHED, chunk_of, rendition
from tests.unit.actors.conftest import VIDEO, Reports

FIRST = PackageDue(video_id=VIDEO)
SECOND = PackageDue(video_id=VIDEO, pass_number=1)
QUICK, REST = replace(PLAN, rungs=RUNGS[1:]), replace(PLAN, rungs=RUNGS[:1])
CHUNKS = range(TIMELINE.chunks)
MISSING = warned("transcoder", (WarningCode.RENDITION_MISSING,))


@pytest.fixture
async def packager(storage: Any, objects: Any) -> Packager:
    await storage.videos.record_probe(VIDEO, METADATA, None, None)
    return Packager(objects, storage.videos, storage.renditions)


def like(chunk: int, version: str, plan: EncodingPlan = QUICK) -> tuple[EncodedTrack, ...]:
    """A chunk as a version of the encoder makes it."""
    return tuple(
        replace(track, init_sha256=version * 64, init_key=track.init_key.replace("init", f"init-{version}"))
        for track in chunk_of(chunk, plan.rungs).tracks
    )


async def made(
    storage: Any, objects: Any, versions: str, plan: EncodingPlan = QUICK, number: int = 0
) -> None:
    """Record chunks that are not recorded yet, each as made by a version; `-` is one that was given up."""
    await storage.renditions.plan(VIDEO, plan, number)
    for chunk, version in enumerate(versions):
        tracks = () if version == "-" else like(chunk, version, plan)
        for track in tracks:
            await objects.put(track.init_key, f"init of {version}".encode())
        await storage.renditions.record_chunk(VIDEO, chunk, tracks, number)
    if "-" in versions:
        await storage.renditions.record_warnings(VIDEO, MISSING)


async def known(storage: Any) -> Any:
    return await storage.videos.load(VIDEO)


async def test_a_finished_rendition_begins_with_what_its_chunks_agree_on(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await made(storage, objects, "aaa")
    await packager.handle(FIRST, reports.ctx)
    (one,) = (await storage.renditions.find(VIDEO)).renditions
    assert one.init_key.endswith("/360p-h264/init.mp4")
    assert await objects.get(one.init_key) == b"init of a"


async def test_chunks_of_another_encoder_are_made_again_and_then_the_video_plays(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await made(storage, objects, "aba")
    orders = await packager.handle(FIRST, reports.ctx)
    assert all(isinstance(one, EncodeChunk) for one in orders)
    assert await storage.renditions.recorded_chunks(VIDEO) == {0: True, 2: True}
    assert [*await packager.handle(FIRST, reports.ctx)] == [*orders], "a redelivery forgets no more"
    await made(storage, objects, "aaa")
    playable, done = await packager.handle(FIRST, reports.ctx)
    assert isinstance(playable, VideoPlayable)
    assert isinstance(done, VideoTranscoded)
    assert (await known(storage)).warnings == ()


async def test_when_those_do_not_fit_either_all_are_made_again(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    """A rolling upgrade that has ended: nobody makes chunks any more as most of them were."""
    await made(storage, objects, "aba")
    await packager.handle(FIRST, reports.ctx)
    await made(storage, objects, "aba")
    await packager.handle(FIRST, reports.ctx)
    assert await storage.renditions.recorded_chunks(VIDEO) == {}
    await made(storage, objects, "bbb")
    assert len(await packager.handle(FIRST, reports.ctx)) == 2
    (one,) = (await storage.renditions.find(VIDEO)).renditions
    assert await objects.get(one.init_key) == b"init of b"


async def misfitting(storage: Any, objects: Any, packager: Packager, order: PackageDue) -> tuple[Any, ...]:
    """Let encoders of two versions go on side by side until they are given up."""
    plan = await storage.renditions.find_plan(VIDEO, order.pass_number)
    for _ in range(TIMES_AGAIN + 1):
        await made(storage, objects, "abc", plan, order.pass_number)
        said = await packager.handle(order, Reports().ctx)
    return said


async def test_a_video_that_plays_is_ready_without_a_pass_that_never_fits_and_keeps_it_for_a_retry(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await made(storage, objects, "aaa")
    await storage.renditions.plan(VIDEO, REST, 1)
    await packager.handle(FIRST, reports.ctx)
    done, again = await misfitting(storage, objects, packager, SECOND)
    assert isinstance(done, VideoTranscoded)
    assert done.renditions == ("360p-h264",)
    assert done.warnings == MISSING
    assert again == PackageDue(video_id=VIDEO, pass_number=1, given_up=True)
    with pytest.raises(Reject) as buried:
        await packager.handle(again, reports.ctx)
    assert buried.value.code == "rendition_missing"
    await retried(storage, objects, packager, again)


async def retried(storage: Any, objects: Any, packager: Packager, again: PackageDue) -> None:
    """What a replay of the dead letter comes to, when the pass can be made after all."""
    reports = Reports()
    orders = await packager.handle(again, reports.ctx)
    assert {type(one) for one in orders} == {EncodeChunk}
    await made(storage, objects, "ddd", REST, 1)
    (done,) = await packager.handle(SECOND, reports.ctx)
    assert done.renditions == ("720p-h264", "360p-h264")
    assert done.hls_key == (await storage.renditions.find_package(VIDEO)).hls_key
    assert done.warnings == (await known(storage)).warnings == ()


async def test_a_pass_of_which_a_chunk_was_given_up_is_left_out_and_its_other_chunks_serve_the_retry(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await made(storage, objects, "aaa")
    await made(storage, objects, "d-d", REST, 1)
    await packager.handle(FIRST, reports.ctx)
    done, again = await packager.handle(SECOND, reports.ctx)
    assert isinstance(done, VideoTranscoded)
    assert done.warnings == MISSING
    with pytest.raises(Reject):
        await packager.handle(again, reports.ctx)
    assert await storage.renditions.recorded_chunks(VIDEO, 1) == {0: True, 2: True}
    await retried(storage, objects, packager, again)


async def test_a_first_pass_that_was_given_up_does_not_keep_the_next_from_making_the_video_playable(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await made(storage, objects, "-aa")
    await storage.renditions.plan(VIDEO, REST, 1)
    orders = await packager.handle(FIRST, reports.ctx)
    assert {(type(one), one.pass_number) for one in orders} == {(EncodeChunk, 1)}
    await made(storage, objects, "aaa", REST, 1)
    playable, done, again = await packager.handle(SECOND, reports.ctx)
    assert isinstance(playable, VideoPlayable)
    assert done.renditions == ("720p-h264",)
    assert again == PackageDue(video_id=VIDEO, pass_number=0, given_up=True)


async def test_a_video_of_which_nothing_plays_fails_so_that_it_can_be_retried(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await made(storage, objects, "-aa")
    await made(storage, objects, "a-a", REST, 1)
    await packager.handle(FIRST, reports.ctx)
    (again,) = await packager.handle(SECOND, reports.ctx)
    assert again == PackageDue(video_id=VIDEO, pass_number=0, given_up=True)
    with pytest.raises(Reject):
        await packager.handle(again, reports.ctx)
    assert 0 not in await storage.renditions.recorded_chunks(VIDEO, 0)
    assert 1 not in await storage.renditions.recorded_chunks(VIDEO, 1)
    assert {one.pass_number for one in await packager.handle(again, reports.ctx)} == {0}


async def test_a_source_that_plays_is_ready_whatever_becomes_of_the_sizes_beside_it(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    await storage.renditions.record_rendition(VIDEO, rendition("original"))
    await storage.renditions.plan(VIDEO, UNTOUCHED)
    await made(storage, objects, "---", PLAN, 1)
    await packager.handle(FIRST, reports.ctx)
    done, again = await packager.handle(SECOND, reports.ctx)
    assert (done.renditions, again.given_up) == (("original",), True)


async def test_a_pass_that_was_never_planned_is_refused(packager: Packager, reports: Reports) -> None:
    with pytest.raises(Reject) as refused:
        await packager.handle(SECOND, reports.ctx)
    assert refused.value.code == "not_planned"


async def test_a_video_that_is_deleted_while_its_chunks_are_looked_up_is_gone(
    storage: Any, objects: Any, packager: Packager, reports: Reports
) -> None:
    class Deleting:
        def __getattr__(self, name: str) -> Any:
            return getattr(storage.renditions, name)

        async def find_chunks(self, *given: Any) -> Any:
            farewell = seal(VideoDeleted(video_id=VIDEO), message_id="d", priority=Priority.NORMAL)
            await storage.videos.remove(VIDEO, LOCAL_USER_ID, farewell)
            return await storage.renditions.find_chunks(*given)

    await made(storage, objects, "aaa")
    with pytest.raises(VideoGoneError):
        await Packager(objects, storage.videos, Deleting()).handle(FIRST, reports.ctx)
    assert objects.objects == {}


def chunks(versions: str) -> list[EncodedChunk]:
    return [
        EncodedChunk(chunk=number, tracks=() if version == "-" else like(number, version))
        for number, version in enumerate(versions)
    ]


@pytest.mark.parametrize(
    ("versions", "odd"), [("aab", (2,)), ("abb", (0,)), ("aaa", (0, 1, 2)), ("bab", (1,))]
)
def test_odd_are_those_that_do_not_begin_as_most_do(versions: str, odd: tuple[int, ...]) -> None:
    assert odd_chunks(QUICK, chunks(versions)) == odd


@pytest.mark.parametrize(
    ("versions", "stuck"), [("aaa", ()), ("a-a", (1,)), ("-b-", (0, 2)), ("aba", (0, 1, 2)), ("ab", ())]
)
def test_stuck_are_those_that_are_empty_or_do_not_fit(versions: str, stuck: tuple[int, ...]) -> None:
    assert stuck_chunks(QUICK, chunks(versions)) == stuck


def test_a_pass_is_made_when_all_its_rungs_are_finished() -> None:
    assert is_made(UNTOUCHED, ())
    assert is_made(QUICK, ("360p-h264", "original"))
    assert not is_made(PLAN, ("360p-h264",))
