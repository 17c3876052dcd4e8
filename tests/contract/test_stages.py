"""The contract of Stages, for the twin and for Postgres."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from storage.bundle import Storage
from storage.journey import STAGE_NAMES
from storage.records import StageRecord
from tests.contract.storage_values import NOW, OWNER, keep, news


async def test_the_last_outcome_of_a_stage_is_kept(storage: Storage) -> None:
    video = await keep(storage)
    await storage.stages.settle(video.id, "prober", "running", 1, None)
    await storage.stages.settle(video.id, "prober", "skipped", 2, "no_audio: There is none.")
    loaded = await storage.videos.load(video.id)
    expected = StageRecord(name="prober", state="skipped", attempt=2, error="no_audio: There is none.")
    assert loaded.stages[1] == expected
    assert (loaded.status, loaded.updated_at > NOW) == ("waiting", True)


async def test_a_failed_stage_makes_the_video_failed(storage: Storage) -> None:
    video = await keep(storage)
    await storage.stages.settle(video.id, "prober", "failed", 5, "boom: it broke")
    assert (await storage.videos.load(video.id)).status == "failed"


async def test_settling_what_is_not_there_changes_nothing(storage: Storage) -> None:
    video, gone = await keep(storage), await keep(storage)
    await storage.videos.remove(gone.id, OWNER, news())
    before = await storage.videos.load(video.id)
    assert not await storage.stages.settle(video.id, "barber", "done", 1, None)
    assert not await storage.stages.settle(gone.id, "prober", "failed", 1, "boom: it broke")
    assert not await storage.stages.settle(uuid4(), "prober", "done", 1, None)
    assert await storage.videos.load(video.id) == before


async def test_an_actor_outside_the_journey_that_gives_up_fails_its_video(storage: Storage) -> None:
    video = await keep(storage)
    for _ in range(2):  # told again after a crash, it is still news
        assert await storage.stages.settle(video.id, "finisher", "failed", 5, "boom: it broke")
    failed = await storage.videos.load(video.id)
    assert failed.status == "failed"
    assert [record.state for record in failed.stages] == ["pending"] * len(STAGE_NAMES)
    await storage.videos.finish(video.id)
    assert not await storage.stages.settle(video.id, "finisher", "failed", 5, "boom: it broke")
    assert (await storage.videos.load(video.id)).status == "ready"


@pytest.mark.parametrize("state", ["done", "skipped"])
async def test_a_late_failure_undoes_nothing(storage: Storage, state: Any) -> None:
    video = await keep(storage)
    assert await storage.stages.settle(video.id, "prober", state, 2, None)
    assert not await storage.stages.settle(video.id, "prober", "failed", 5, "poison: it died")
    loaded = await storage.videos.load(video.id)
    assert (loaded.stages[1].state, loaded.status) == (state, "waiting")


async def test_stages_that_settle_at_the_same_time_are_all_kept(storage: Storage) -> None:
    video = await keep(storage)
    await asyncio.gather(*(storage.stages.settle(video.id, name, "done", 1, None) for name in STAGE_NAMES))
    loaded = await storage.videos.load(video.id)
    assert loaded.stages == tuple(StageRecord(name=name, state="done", attempt=1) for name in STAGE_NAMES)


async def test_a_stage_that_settles_while_its_video_is_removed_leaves_nothing(storage: Storage) -> None:
    video = await keep(storage)
    await asyncio.gather(
        storage.videos.remove(video.id, OWNER, news()),
        *(storage.stages.settle(video.id, "prober", "done", attempt, None) for attempt in range(4)),
    )
    assert await storage.videos.find(video.id, OWNER) is None
