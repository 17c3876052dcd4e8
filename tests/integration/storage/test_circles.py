"""Everybody at once on the same few videos: nobody waits for somebody who waits for them."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from storage.bundle import Storage
from storage.errors import OffsetConflictError, UploadClosedError, VideoGoneError
from storage.memory import MemoryObjects
from storage.opening import open_storage
from storage.records import Illustration
from tests.contract.rendition_values import new_package, new_plan, new_rendition, new_tracks
from tests.contract.storage_values import (
    LATER,
    METADATA,
    NOW,
    OWNER,
    begin,
    new_original,
    new_upload,
    new_video,
    news,
    segments,
)

EXPECTED = (OffsetConflictError, UploadClosedError, VideoGoneError)
Move = Callable[[Storage, UUID, UUID], Awaitable[object]]


async def concatenate(storage: Storage, video_id: UUID, _upload_id: UUID) -> None:
    part = await begin(storage, partial=True)
    await storage.uploads.append(part.id, 0, segments(10), None, LATER)
    await storage.uploads.concatenate(new_upload(video_id, expires_at=NOW), [part.id], news())


async def plan_and_record(storage: Storage, video_id: UUID, _upload_id: UUID) -> None:
    plan = new_plan()
    await storage.renditions.plan(video_id, plan)
    await storage.renditions.record_chunk(video_id, 0, new_tracks(plan, 0))
    await storage.renditions.record_package(video_id, new_package(1))
    await storage.renditions.announce(video_id, 1)


MOVES: tuple[Move, ...] = (
    concatenate,
    lambda s, v, _: s.videos.remove(v, OWNER, news()),
    lambda s, _, u: s.uploads.append(u, 0, segments(10), news(), LATER),
    lambda s, _, u: s.uploads.terminate(u),
    lambda s, *_: s.uploads.expire(NOW, 3),
    lambda s, v, _: s.videos.record_original(v, new_original()),
    lambda s, v, _: s.videos.record_probe(v, METADATA, None, None),
    lambda s, v, _: s.videos.record_illustration(v, Illustration(posters=())),
    lambda s, v, _: s.renditions.record_rendition(v, new_rendition()),
    plan_and_record,
    lambda s, v, _: s.renditions.record_package(v, new_package(1)),
    lambda s, v, _: s.renditions.record_playable(v),
    lambda s, v, _: s.stages.settle(v, "prober", "failed", 1, None),
    lambda s, v, _: s.videos.reject(v, "prober", "not_media", "No."),
    lambda s, v, _: s.videos.reopen(v, OWNER),
    lambda s, v, _: s.videos.finish(v),
)


async def roam(storage: Storage, targets: list[tuple[UUID, UUID]], seed: int) -> None:
    """Make random moves. A deadlock would be a StorageUnavailableError."""
    chance = random.Random(seed)
    for _ in range(25):
        video, upload = new_video(), new_upload(None, expires_at=chance.choice([NOW, LATER]))
        if not targets or chance.random() < 0.2:
            await storage.videos.create(
                video, new_upload(video.id, id=upload.id, expires_at=upload.expires_at)
            )
            targets.append((video.id, upload.id))
        try:
            await chance.choice(MOVES)(storage, *chance.choice(targets[-5:]))
        except EXPECTED:
            continue


@pytest.fixture
async def orphans(database_url: str) -> Callable[[], Awaitable[int]]:
    """Count uploads whose video is gone and whose staging nobody would ever sweep."""

    async def count() -> int:
        connection = await asyncpg.connect(database_url)
        try:
            return int(
                await connection.fetchval(
                    "select count(*) from uploads where video_id is null and not partial and swept_at is null"
                )
            )
        finally:
            await connection.close()

    return count


async def test_owners_actors_and_sweeps_at_once_neither_block_nor_orphan(
    database_url: str, orphans: Callable[[], Awaitable[int]]
) -> None:
    targets: list[tuple[UUID, UUID]] = []
    async with open_storage(database_url, MemoryObjects(), "redis://127.0.0.1:9") as storage:
        await asyncio.gather(*(roam(storage, targets, seed) for seed in range(12)))
        while due := await storage.uploads.expire(LATER, 50):
            await storage.uploads.swept([upload.id for upload in due])
    assert await orphans() == 0
