"""The contract of Uploads once time runs out, for the twin and for Postgres."""

import asyncio
from datetime import timedelta
from uuid import UUID

from msgspec import json

from storage.bundle import Storage
from storage.records import Rejection
from storage.uploading import EXPIRED_CODE, EXPIRED_DETAIL
from subjects.message import Priority
from subjects.upload import UploadExpired
from tests.contract.storage_values import (
    LATER,
    NOW,
    OWNER,
    begin,
    new_original,
    new_upload,
    new_video,
    news,
    segments,
)

AFTER = LATER + timedelta(seconds=1)


async def sweep(storage: Storage) -> list[UUID]:
    return [upload.id for upload in await storage.uploads.expire(AFTER, 10)]


async def test_an_abandoned_upload_rejects_its_waiting_video_and_says_so_once(storage: Storage) -> None:
    video = new_video(priority=Priority.HIGH)
    upload = new_upload(video.id)
    await storage.videos.create(video, upload)
    added = segments(3)
    await storage.uploads.append(upload.id, 0, added, None, LATER)
    assert await storage.uploads.expire(NOW, 10) == []
    (closed,) = await storage.uploads.expire(AFTER, 10)
    assert (closed.id, closed.state, closed.segments) == (upload.id, "expired", tuple(added))
    loaded = await storage.videos.load(video.id)
    assert loaded.rejection == Rejection(code=EXPIRED_CODE, detail=EXPIRED_DETAIL)
    assert await sweep(storage) == [upload.id]
    (line,) = await storage.outbox.pending(10)
    assert line.subject == f"upload.expired.high.{video.id}"
    expected = UploadExpired(video_id=video.id, upload_id=upload.id)
    assert json.decode(line.body, type=UploadExpired) == expected


async def test_a_closed_upload_comes_back_until_it_is_swept(storage: Storage) -> None:
    expired, terminated = await begin(storage), await begin(storage)
    await storage.uploads.append(terminated.id, 0, segments(3), None, LATER)
    await storage.uploads.terminate(terminated.id)
    assert sorted(await sweep(storage)) == sorted([expired.id, terminated.id])
    await storage.uploads.swept([expired.id, terminated.id])
    assert await sweep(storage) == []
    found = await storage.uploads.find(terminated.id)
    assert found is not None
    assert found.segments == ()


async def test_an_open_upload_is_never_swept(storage: Storage) -> None:
    upload = await begin(storage)
    stands = await storage.uploads.append(upload.id, 0, segments(3), None, LATER)
    await storage.uploads.swept([upload.id])
    assert await storage.uploads.find(upload.id) == stands


async def test_a_sweep_takes_no_more_than_its_limit(storage: Storage) -> None:
    made = [(await begin(storage, expires_at=NOW + timedelta(seconds=n))).id for n in range(3)]
    first = [upload.id for upload in await storage.uploads.expire(AFTER, 2)]
    assert first == made[:2]
    await storage.uploads.swept(first)
    assert [upload.id for upload in await storage.uploads.expire(AFTER, 2)] == made[2:]


async def test_a_video_with_another_good_upload_is_not_rejected(storage: Storage) -> None:
    video = new_video()
    await storage.videos.create(video, new_upload(video.id))
    await storage.uploads.create(new_upload(video.id, expires_at=AFTER + timedelta(hours=1)))
    await sweep(storage)
    assert (await storage.videos.load(video.id)).status == "waiting"


async def test_complete_bytes_are_swept_only_when_nobody_needs_them(storage: Storage) -> None:
    waiting, promoted, rejected = new_video(), new_video(), new_video()
    uploads = {}
    for video in (waiting, promoted, rejected):
        uploads[video.id] = new_upload(video.id)
        await storage.videos.create(video, uploads[video.id])
        await storage.uploads.append(uploads[video.id].id, 0, segments(10), news(), LATER)
    await storage.videos.record_original(promoted.id, new_original())
    await storage.videos.reject(rejected.id, "uploader", "bad_sha256", "Other bytes came.")
    assert await storage.uploads.expire(NOW, 10) == []
    assert sorted(await sweep(storage)) == sorted([uploads[promoted.id].id, uploads[rejected.id].id])
    await storage.videos.remove(waiting.id, OWNER, news())
    assert uploads[waiting.id].id in await sweep(storage)


async def test_an_unused_partial_upload_expires_though_it_is_complete(storage: Storage) -> None:
    partial = await begin(storage, partial=True)
    await storage.uploads.append(partial.id, 0, segments(10), None, LATER)
    assert await sweep(storage) == [partial.id]
    assert await storage.outbox.pending(10) == []


async def test_the_parts_of_an_upload_are_swept_after_it(storage: Storage) -> None:
    video = new_video()
    await storage.videos.create(video, new_upload(video.id, expires_at=AFTER + timedelta(hours=1)))
    partial = await begin(storage, partial=True)
    stands = await storage.uploads.append(partial.id, 0, segments(10), None, LATER)
    final = new_upload(video.id)
    await storage.uploads.concatenate(final, [partial.id], news())
    assert await sweep(storage) == []
    await storage.videos.record_original(video.id, new_original())
    (whole,) = await storage.uploads.expire(AFTER, 10)
    assert (whole.id, whole.segments) == (final.id, stands.segments)
    await storage.uploads.swept([final.id])
    assert await sweep(storage) == [partial.id]


async def test_two_sweeps_at_once_say_the_news_once(storage: Storage) -> None:
    video = new_video()
    await storage.videos.create(video, new_upload(video.id))
    await asyncio.gather(sweep(storage), sweep(storage), sweep(storage))
    assert len(await storage.outbox.pending(10)) == 1


async def test_sweeps_and_removals_at_once_do_not_block_each_other(storage: Storage) -> None:
    videos = [new_video() for _ in range(8)]
    for video in videos:
        await storage.videos.create(video, new_upload(video.id))
    await asyncio.gather(
        *(storage.videos.remove(video.id, OWNER, news()) for video in videos),
        *(sweep(storage) for _ in range(4)),
    )
    assert len(await sweep(storage)) == len(videos)
