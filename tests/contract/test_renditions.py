"""What is planned, encoded and playable."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from storage.bundle import Storage
from storage.errors import VideoGoneError
from storage.rendition_records import EncodedChunk, Playable
from tests.contract.rendition_values import (
    HIGH,
    LOW,
    new_package,
    new_plan,
    new_rendition,
    new_tracks,
)
from tests.contract.storage_values import OWNER, STRANGER, keep, new_original, news


async def test_the_first_plan_of_a_pass_stands(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH, LOW)
    assert await storage.renditions.plan(video.id, plan) == plan
    assert await storage.renditions.plan(video.id, new_plan(LOW)) == plan
    assert await storage.renditions.find_plan(video.id) == plan


async def test_plans_that_are_made_at_once_are_one(storage: Storage) -> None:
    video, plans = await keep(storage), [new_plan(HIGH), new_plan(LOW), new_plan(HIGH, LOW)]
    returned = await asyncio.gather(*(storage.renditions.plan(video.id, plan) for plan in plans))
    assert returned == [returned[0]] * 3


async def test_passes_are_planned_and_recorded_apart(storage: Storage) -> None:
    video, first, second = await keep(storage), new_plan(LOW), new_plan(HIGH)
    await storage.renditions.plan(video.id, first)
    assert await storage.renditions.find_plan(video.id, 1) is None
    assert await storage.renditions.plan(video.id, second, 1) == second
    await storage.renditions.record_chunk(video.id, 0, new_tracks(first, 0))
    assert await storage.renditions.find_chunks(video.id, 1) == ()
    assert await storage.renditions.record_chunk(video.id, 1, new_tracks(second, 1), 1) == 2


async def test_all_passes_are_planned_at_once_or_none_of_them(storage: Storage) -> None:
    video, plans = await keep(storage), (new_plan(LOW), new_plan(HIGH), new_plan())
    assert await storage.renditions.plan_all(video.id, plans[:2]) == plans[0]
    assert await storage.renditions.plan_all(video.id, (plans[2], *plans)) == plans[0]
    kept = [await storage.renditions.find_plan(video.id, number) for number in range(3)]
    assert kept == [*plans[:2], None]
    with pytest.raises(ValueError, match="without a pass"):
        await storage.renditions.plan_all(video.id, ())


async def test_a_plan_says_what_decides_the_bytes(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH, preset="slow", threads=3)
    await storage.renditions.plan_all(video.id, (plan,))
    found = await storage.renditions.find_plan(video.id)
    assert found is not None
    assert (found.preset, found.threads) == ("slow", 3)


async def test_a_pass_may_encode_nothing(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan()
    assert await storage.renditions.plan(video.id, plan) == plan


async def test_recording_chunks_counts_those_that_are_missing(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH, LOW)
    await storage.renditions.plan(video.id, plan)
    left = [
        await storage.renditions.record_chunk(video.id, chunk, new_tracks(plan, chunk))
        for chunk in (2, 0, 0, 1)
    ]
    assert left == [2, 1, 1, 0]
    assert await storage.renditions.recorded_chunks(video.id) == {0: True, 1: True, 2: True}


async def test_a_repetition_is_told_what_the_first_record_was_so_only_one_ever_is_the_last(
    storage: Storage,
) -> None:
    video, plan = await keep(storage), new_plan(HIGH)
    await storage.renditions.plan(video.id, plan)
    first, again = [
        {
            chunk: await storage.renditions.record_chunk(video.id, chunk, new_tracks(plan, chunk))
            for chunk in (1, 2, 0)
        }
        for _ in range(2)
    ]
    assert first == again == {1: 2, 2: 1, 0: 0}


async def test_the_first_record_of_a_chunk_stands(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH)
    await storage.renditions.plan(video.id, plan)
    await storage.renditions.record_chunk(video.id, 1, new_tracks(plan, 1))
    await storage.renditions.record_chunk(video.id, 1, new_tracks(plan, 2))
    assert await storage.renditions.find_chunks(video.id) == (
        EncodedChunk(chunk=1, tracks=new_tracks(plan, 1)),
    )


async def test_chunks_are_found_in_order(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH, LOW)
    await storage.renditions.plan(video.id, plan)
    for chunk in (2, 0, 1):
        await storage.renditions.record_chunk(video.id, chunk, new_tracks(plan, chunk))
    assert await storage.renditions.find_chunks(video.id) == tuple(
        EncodedChunk(chunk=chunk, tracks=new_tracks(plan, chunk)) for chunk in range(3)
    )


@pytest.mark.parametrize("forgotten", [(1,), (0,), (2, 1), (0, 1, 2)])
async def test_of_chunks_that_are_made_again_one_is_the_last_again(
    storage: Storage, forgotten: tuple[int, ...]
) -> None:
    video, plan = await keep(storage), new_plan(HIGH)
    await storage.renditions.plan(video.id, plan)
    for chunk in (2, 0, 1):
        await storage.renditions.record_chunk(video.id, chunk, new_tracks(plan, chunk))
    assert await storage.renditions.forget_chunks(video.id, forgotten) == 1
    stay = {0, 1, 2} - {*forgotten}
    assert set(await storage.renditions.recorded_chunks(video.id)) == stay

    async def left(chunk: int) -> int:
        return await storage.renditions.record_chunk(video.id, chunk, new_tracks(plan, chunk))

    assert sorted([await left(chunk) for chunk in stay]) == [*range(len(forgotten), 3)]
    assert [await left(chunk) for chunk in forgotten] == [*reversed(range(len(forgotten)))]
    assert sorted([await left(chunk) for chunk in range(3)]) == [0, 1, 2]


async def test_how_often_chunks_were_forgotten_is_counted_unless_there_was_none(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH)
    with pytest.raises(ValueError, match="never planned"):
        await storage.renditions.forget_chunks(video.id, [0])
    for number in range(2):
        await storage.renditions.plan(video.id, plan, number)
    assert await storage.renditions.forget_chunks(video.id, [0]) == 0
    for times in (1, 2):
        await storage.renditions.record_chunk(video.id, 0, new_tracks(plan, 0))
        assert await storage.renditions.forget_chunks(video.id, [0, 7]) == times
        assert await storage.renditions.forget_chunks(video.id, [0, 1]) == times
    assert await storage.renditions.forget_chunks(video.id, [], 1) == 0


async def test_the_end_of_a_pass_is_told_anew_when_its_chunks_are_made_again(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH)
    for number in range(3):
        await storage.renditions.plan(video.id, plan, number)
        await storage.renditions.record_chunk(video.id, 0, new_tracks(plan, 0), number)
    for version in (1, 2):
        await storage.renditions.record_package(video.id, new_package(version))
    for number in range(3):
        await storage.renditions.announce(video.id, 1, number)
    await storage.renditions.forget_chunks(video.id, [0], 1)
    told = [await storage.renditions.announce(video.id, 2, number) for number in range(3)]
    assert told == [new_package(1), new_package(2), new_package(2)]


async def test_of_chunks_that_end_together_one_is_the_last(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH)
    await storage.renditions.plan(video.id, plan)
    left = await asyncio.gather(
        *(storage.renditions.record_chunk(video.id, chunk, new_tracks(plan, chunk)) for chunk in range(3))
    )
    assert sorted(left) == [0, 1, 2]


async def test_a_chunk_of_which_nothing_could_be_made_counts(storage: Storage) -> None:
    video = await keep(storage)
    await storage.renditions.plan(video.id, new_plan(HIGH))
    assert await storage.renditions.record_chunk(video.id, 2, ()) == 2
    assert await storage.renditions.recorded_chunks(video.id) == {2: False}
    assert await storage.renditions.find_chunks(video.id) == (EncodedChunk(chunk=2, tracks=()),)


async def test_a_chunk_that_no_plan_has_is_refused(storage: Storage) -> None:
    video, plan = await keep(storage), new_plan(HIGH)
    tracks = new_tracks(plan, 0)
    with pytest.raises(ValueError, match="never planned"):
        await storage.renditions.record_chunk(video.id, 0, tracks)
    await storage.renditions.plan(video.id, plan)
    for chunk in (-1, 3):
        with pytest.raises(ValueError, match="no chunk"):
            await storage.renditions.record_chunk(video.id, chunk, tracks)
    with pytest.raises(ValueError, match="cannot hold"):
        await storage.renditions.record_chunk(video.id, 0, new_tracks(new_plan(HIGH, LOW), 0))
    assert await storage.renditions.recorded_chunks(video.id) == {}


async def test_renditions_are_found_by_name_the_latest_of_each(storage: Storage) -> None:
    video = await keep(storage)
    sound = new_rendition("audio-aac", kind="audio", width_px=None, height_px=None, fps=None, channels=2)
    for rendition in (new_rendition(bandwidth_bps=9), sound, new_rendition()):
        await storage.renditions.record_rendition(video.id, rendition)
    assert (await storage.renditions.find(video.id)).renditions == (new_rendition(), sound)


async def test_the_newest_package_is_found_whatever_came_last(storage: Storage) -> None:
    video = await keep(storage)
    assert await storage.renditions.find_package(video.id) is None
    for version in (1, 10, 2):
        await storage.renditions.record_package(video.id, new_package(version))
    assert await storage.renditions.find_package(video.id) == new_package(10)
    assert (await storage.renditions.find(video.id)).package == new_package(10)


async def test_the_first_package_of_a_version_stands(storage: Storage) -> None:
    video, first = await keep(storage), new_package(1, dash_key=None)
    assert await storage.renditions.record_package(video.id, first) == first
    assert await storage.renditions.record_package(video.id, new_package(1)) == first


async def test_of_packages_that_are_kept_in_one_place_at_once_all_are_told_the_same_one(
    storage: Storage,
) -> None:
    video = await keep(storage)
    rivals = [new_package(1, hls_key=f"videos/a/cmaf/{number:016x}/master.m3u8") for number in range(4)]
    kept = await asyncio.gather(*(storage.renditions.record_package(video.id, one) for one in rivals))
    assert kept[0] in rivals
    assert kept == [kept[0]] * 4
    assert await storage.renditions.find_package(video.id) == kept[0]


async def test_content_that_comes_back_is_a_version_once_more(storage: Storage) -> None:
    video, first = await keep(storage), new_package(1)
    for package in (first, new_package(2), back := new_package(3, hls_key=first.hls_key)):
        await storage.renditions.record_package(video.id, package)
    assert await storage.renditions.find_package(video.id) == back


async def test_the_end_of_a_pass_is_told_with_its_first_package_for_ever(storage: Storage) -> None:
    video = await keep(storage)
    await storage.renditions.plan(video.id, new_plan(LOW))
    await storage.renditions.plan(video.id, new_plan(HIGH), 1)
    for version in (1, 2):
        await storage.renditions.record_package(video.id, new_package(version))
    told = await asyncio.gather(*(storage.renditions.announce(video.id, 1) for _ in range(2)))
    assert told == [new_package(1)] * 2
    assert await storage.renditions.announce(video.id, 2) == new_package(1)
    assert await storage.renditions.announce(video.id, 2, 1) == new_package(2)


async def test_packages_announced_at_once_are_one(storage: Storage) -> None:
    video = await keep(storage)
    await storage.renditions.plan(video.id, new_plan(LOW))
    for version in (1, 2):
        await storage.renditions.record_package(video.id, new_package(version))
    told = await asyncio.gather(*(storage.renditions.announce(video.id, version) for version in (2, 1, 2)))
    assert told == [told[0]] * 3


async def test_what_was_never_planned_or_packaged_is_not_announced(storage: Storage) -> None:
    video = await keep(storage)
    await storage.renditions.record_package(video.id, new_package(1))
    with pytest.raises(ValueError, match="never planned"):
        await storage.renditions.announce(video.id, 1)
    await storage.renditions.plan(video.id, new_plan(LOW))
    with pytest.raises(ValueError, match="no version 2"):
        await storage.renditions.announce(video.id, 2)
    assert await storage.renditions.announce(video.id, 1) == new_package(1)


async def test_a_video_shows_its_newest_package_to_whoever_sees_it(storage: Storage) -> None:
    video = await keep(storage)
    for version in (1, 2):
        await storage.renditions.record_package(video.id, new_package(version))
    loaded = await storage.videos.load(video.id)
    assert loaded.package == new_package(2)
    assert await storage.videos.find(video.id, STRANGER) == loaded


async def test_a_video_becomes_playable_and_then_ready(storage: Storage) -> None:
    video = await keep(storage)
    await storage.videos.record_original(video.id, new_original())
    for _ in range(2):
        await storage.renditions.record_playable(video.id)
        assert (await storage.videos.load(video.id)).status == "playable"
    await storage.videos.finish(video.id)
    await storage.renditions.record_playable(video.id)
    assert (await storage.videos.load(video.id)).status == "ready"


async def test_a_rejected_or_failed_video_does_not_become_playable(storage: Storage) -> None:
    rejected, failed = await keep(storage), await keep(storage)
    await storage.videos.reject(rejected.id, "prober", "not_media", "No.")
    await storage.stages.settle(failed.id, "prober", "failed", 1, "boom")
    for video, status in ((rejected, "rejected"), (failed, "failed")):
        await storage.renditions.record_playable(video.id)
        assert (await storage.videos.load(video.id)).status == status


async def test_a_video_with_a_package_is_playable_again_when_its_failed_stages_are_reopened(
    storage: Storage,
) -> None:
    video = await keep(storage)
    await storage.renditions.record_package(video.id, new_package(1))
    await storage.stages.settle(video.id, "thumbnailer", "failed", 5, "boom: it broke")
    await storage.videos.reopen(video.id, OWNER)
    assert (await storage.videos.load(video.id)).status == "playable"


WRITES: tuple[Callable[[Storage, UUID], Awaitable[object]], ...] = (
    lambda storage, video_id: storage.renditions.plan(video_id, new_plan(HIGH)),
    lambda storage, video_id: storage.renditions.record_chunk(video_id, 0, new_tracks(new_plan(HIGH), 0)),
    lambda storage, video_id: storage.renditions.plan_all(video_id, (new_plan(HIGH),)),
    lambda storage, video_id: storage.renditions.record_rendition(video_id, new_rendition()),
    lambda storage, video_id: storage.renditions.record_package(video_id, new_package(1)),
)


async def test_what_was_made_of_a_video_goes_with_it(storage: Storage) -> None:
    video, other = await keep(storage), await keep(storage)
    for write in WRITES:
        await write(storage, video.id)
        await write(storage, other.id)
    await storage.videos.remove(video.id, OWNER, news())
    assert await storage.renditions.find(video.id) == Playable()
    assert await storage.renditions.find_plan(video.id) is None
    assert await storage.renditions.find_chunks(video.id) == ()
    assert await storage.renditions.recorded_chunks(video.id) == {}
    assert (await storage.renditions.find(other.id)).package is not None
    assert len(await storage.renditions.find_chunks(other.id)) == 1


async def test_work_on_the_renditions_of_a_removed_video_is_told_that_it_is_gone(storage: Storage) -> None:
    gone = uuid4()
    others: tuple[Callable[[Storage, UUID], Awaitable[object]], ...] = (
        lambda storage, video_id: storage.renditions.record_playable(video_id),
        lambda storage, video_id: storage.renditions.announce(video_id, 1),
        lambda storage, video_id: storage.renditions.forget_chunks(video_id, [0]),
        lambda storage, video_id: storage.renditions.withdraw_warning(video_id, "transcoder", "truncated"),
    )
    for write in (*WRITES, *others):
        with pytest.raises(VideoGoneError):
            await write(storage, gone)
