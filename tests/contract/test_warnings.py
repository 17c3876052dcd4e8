"""What is wrong with a video though it plays."""

from uuid import uuid4

import pytest
from msgspec.structs import replace

from storage.bundle import Storage
from storage.errors import VideoGoneError
from subjects.warning import SourceWarning, WarningCode, warned
from tests.contract.storage_values import OWNER, keep

DAMAGED = warned("transcoder", [WarningCode.DAMAGED_PICTURES, WarningCode.DAMAGED_SOUND])


async def test_a_video_is_without_warnings_until_there_is_one(storage: Storage) -> None:
    video = await keep(storage)
    assert (await storage.videos.load(video.id)).warnings == ()


async def test_each_warning_is_kept_once_in_order_whoever_asks(storage: Storage) -> None:
    video, (pictures, sound) = await keep(storage), DAMAGED
    await storage.renditions.record_warnings(video.id, (sound,))
    await storage.renditions.record_warnings(video.id, (sound, pictures, pictures))
    assert (await storage.videos.load(video.id)).warnings == DAMAGED
    found = await storage.videos.find(video.id, OWNER)
    assert found is not None
    assert found.warnings == DAMAGED


async def test_the_first_sentence_of_a_warning_stands(storage: Storage) -> None:
    video = await keep(storage)
    await storage.renditions.record_warnings(video.id, DAMAGED)
    await storage.renditions.record_warnings(video.id, (replace(DAMAGED[0], detail="otherwise"),))
    assert (await storage.videos.load(video.id)).warnings == DAMAGED


async def test_a_code_of_another_stage_is_another_warning(storage: Storage) -> None:
    video, other = await keep(storage), SourceWarning(stage="prober", code="truncated", detail="x")
    await storage.renditions.record_warnings(video.id, (*DAMAGED, other))
    assert (await storage.videos.load(video.id)).warnings == (other, *DAMAGED)


async def test_no_warnings_change_nothing(storage: Storage) -> None:
    before = await storage.videos.load((await keep(storage)).id)
    await storage.renditions.record_warnings(before.id, ())
    assert await storage.videos.load(before.id) == before


async def test_a_video_that_is_gone_takes_its_warnings_along(storage: Storage) -> None:
    with pytest.raises(VideoGoneError):
        await storage.renditions.record_warnings(uuid4(), DAMAGED)


async def test_a_warning_is_taken_back_alone_and_may_come_again(storage: Storage) -> None:
    video = await keep(storage)
    await storage.renditions.record_warnings(video.id, DAMAGED)
    for _ in range(2):
        await storage.renditions.withdraw_warning(video.id, DAMAGED[0].stage, DAMAGED[0].code)
        assert (await storage.videos.load(video.id)).warnings == DAMAGED[1:]
    await storage.renditions.record_warnings(video.id, DAMAGED)
    assert (await storage.videos.load(video.id)).warnings == DAMAGED
