"""The contract of quotas: what an account may announce on one day, for the twin and for Postgres."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from storage.bundle import Storage
from storage.errors import QuotaExceededError, UploadClosedError, VideoGoneError
from storage.identity_records import UploadDay, UploadQuota
from storage.records import NewUpload, NewVideo
from tests.contract.storage_values import (
    LATER,
    NOW,
    OWNER,
    STRANGER,
    begin,
    keep,
    new_upload,
    new_video,
    news,
    segments,
)

TWO = UploadQuota(uploads=2, size_bytes=1000)
TEN_BYTES = UploadQuota(uploads=100, size_bytes=10)
RESERVING = UploadQuota(uploads=100, size_bytes=10, deferred_bytes=4)


async def announce(storage: Storage, quota: UploadQuota | None, **said: Any) -> tuple[NewVideo, NewUpload]:
    video = new_video(user_id=said.get("user_id", OWNER), created_at=said.get("created_at", NOW))
    upload = new_upload(video.id, **said)
    await storage.videos.create(video, upload, quota)
    return video, upload


async def test_a_day_takes_as_many_uploads_as_the_quota_says(storage: Storage) -> None:
    await announce(storage, TWO)
    await announce(storage, TWO)
    with pytest.raises(QuotaExceededError):
        await announce(storage, TWO)


async def test_a_day_takes_as_many_bytes_as_the_quota_says(storage: Storage) -> None:
    await announce(storage, TEN_BYTES, length_bytes=7)
    with pytest.raises(QuotaExceededError):
        await announce(storage, TEN_BYTES, length_bytes=4)
    await announce(storage, TEN_BYTES, length_bytes=3)


async def test_one_upload_larger_than_the_whole_day_is_refused(storage: Storage) -> None:
    with pytest.raises(QuotaExceededError):
        await announce(storage, TEN_BYTES, length_bytes=11)


async def test_nothing_is_kept_beyond_the_quota(storage: Storage) -> None:
    video = new_video()
    upload, part = new_upload(video.id, length_bytes=11), new_upload(None, partial=True, length_bytes=11)
    with pytest.raises(QuotaExceededError):
        await storage.videos.create(video, upload, TEN_BYTES)
    with pytest.raises(QuotaExceededError):
        await storage.uploads.create(part, TEN_BYTES)
    with pytest.raises(VideoGoneError):
        await storage.videos.load(video.id)
    assert [await storage.uploads.find(one.id) for one in (upload, part)] == [None, None]


async def test_a_refusal_counts_nothing(storage: Storage) -> None:
    for _ in range(3):
        with pytest.raises(QuotaExceededError):
            await announce(storage, TEN_BYTES, length_bytes=11)
    await announce(storage, UploadQuota(uploads=1, size_bytes=10), length_bytes=10)


async def test_a_known_id_counts_nothing_and_is_never_refused(storage: Storage) -> None:
    one = UploadQuota(uploads=1, size_bytes=10)
    video, upload = await announce(storage, one)
    await storage.videos.create(video, upload, one)
    await storage.uploads.create(upload, one)
    await announce(storage, TWO)


async def test_days_end_at_midnight_in_utc_whatever_the_clock_of_the_client(storage: Storage) -> None:
    one = UploadQuota(uploads=1, size_bytes=1000)
    midnight = datetime(2026, 1, 3, tzinfo=UTC)
    await announce(storage, one, created_at=midnight - timedelta(microseconds=1))
    await announce(storage, one, created_at=midnight.astimezone(timezone(timedelta(hours=-8))))
    with pytest.raises(QuotaExceededError):
        await announce(storage, one, created_at=midnight + timedelta(hours=23))


async def test_users_do_not_share_a_quota(storage: Storage) -> None:
    one = UploadQuota(uploads=1, size_bytes=1000)
    await announce(storage, one)
    await announce(storage, one, user_id=STRANGER)


async def test_what_came_without_a_quota_counts_all_the_same(storage: Storage) -> None:
    await announce(storage, None)
    await keep(storage)
    with pytest.raises(QuotaExceededError):
        await announce(storage, TWO)


async def test_a_removed_video_was_announced_all_the_same(storage: Storage) -> None:
    for _ in range(2):
        video, _upload = await announce(storage, TWO)
        assert await storage.videos.remove(video.id, OWNER, news())
    with pytest.raises(QuotaExceededError):
        await announce(storage, TWO)


async def test_partial_uploads_count_and_the_final_one_counts_their_bytes_no_second_time(
    storage: Storage,
) -> None:
    quota = UploadQuota(uploads=3, size_bytes=10)
    parts = [new_upload(None, partial=True, length_bytes=size) for size in (6, 4)]
    for part in parts:
        await storage.uploads.create(part, quota)
        await storage.uploads.append(part.id, 0, segments(part.length_bytes or 0), None, LATER)
    video, _place = await announce(storage, quota, length_bytes=None)
    final = new_upload(video.id, length_bytes=None)
    joined = await storage.uploads.concatenate(final, [part.id for part in parts], news("upload.completed"))
    assert joined.length_bytes == 10
    with pytest.raises(QuotaExceededError):
        await announce(storage, UploadQuota(uploads=3, size_bytes=1000))
    with pytest.raises(QuotaExceededError):
        await announce(storage, UploadQuota(uploads=4, size_bytes=10), length_bytes=1)
    await announce(storage, UploadQuota(uploads=4, size_bytes=10), length_bytes=0)


async def test_a_deferred_length_counts_once_it_is_declared(storage: Storage) -> None:
    _, upload = await announce(storage, TEN_BYTES, length_bytes=None)
    await storage.uploads.declare_length(upload.id, 6, TEN_BYTES)
    await storage.uploads.declare_length(upload.id, 6, TEN_BYTES)
    with pytest.raises(QuotaExceededError):
        await announce(storage, TEN_BYTES, length_bytes=5)
    await announce(storage, TEN_BYTES, length_bytes=4)


async def test_a_deferred_length_takes_what_is_reserved_for_it_and_gives_the_rest_back(
    storage: Storage,
) -> None:
    _, whole = await announce(storage, RESERVING, length_bytes=None)
    part = new_upload(None, partial=True, length_bytes=None)
    await storage.uploads.create(part, RESERVING)
    with pytest.raises(QuotaExceededError):
        await announce(storage, RESERVING, length_bytes=3)
    await storage.uploads.declare_length(whole.id, 1, RESERVING)
    await storage.uploads.declare_length(whole.id, 1, RESERVING)
    with pytest.raises(QuotaExceededError):
        await announce(storage, RESERVING, length_bytes=6)
    await storage.uploads.declare_length(part.id, 0, RESERVING)
    await announce(storage, RESERVING, length_bytes=9)


async def test_a_length_beyond_what_was_reserved_counts_with_what_is_missing(storage: Storage) -> None:
    _, upload = await announce(storage, RESERVING, length_bytes=None)
    with pytest.raises(QuotaExceededError):
        await storage.uploads.declare_length(upload.id, 11, RESERVING)
    await storage.uploads.declare_length(upload.id, 10, RESERVING)
    with pytest.raises(QuotaExceededError):
        await announce(storage, RESERVING, length_bytes=1)


async def test_bytes_are_given_back_even_when_the_quota_has_shrunk(storage: Storage) -> None:
    _, upload = await announce(storage, RESERVING, length_bytes=None)
    await announce(storage, RESERVING, length_bytes=6)
    smaller = UploadQuota(uploads=1, size_bytes=5)
    assert (await storage.uploads.declare_length(upload.id, 3, smaller)).length_bytes == 3
    with pytest.raises(QuotaExceededError):
        await announce(storage, RESERVING, length_bytes=2)
    await announce(storage, RESERVING, length_bytes=1)


async def test_one_deferred_length_declared_many_times_at_once_gives_back_once(storage: Storage) -> None:
    _, upload = await announce(storage, RESERVING, length_bytes=None)
    await announce(storage, RESERVING, length_bytes=4)
    await asyncio.gather(*(storage.uploads.declare_length(upload.id, 1, RESERVING) for _ in range(8)))
    with pytest.raises(QuotaExceededError):
        await announce(storage, RESERVING, length_bytes=6)
    await announce(storage, RESERVING, length_bytes=5)


async def test_a_length_counts_on_the_day_of_its_upload_and_is_one_upload_only(storage: Storage) -> None:
    one = UploadQuota(uploads=1, size_bytes=10)
    upload = await begin(storage, length_bytes=None)
    await announce(storage, one, length_bytes=10, created_at=NOW + timedelta(days=1))
    assert (await storage.uploads.declare_length(upload.id, 10, one)).length_bytes == 10


async def test_a_length_beyond_the_quota_stays_deferred_and_a_smaller_one_fits(storage: Storage) -> None:
    upload = await begin(storage, length_bytes=None)
    with pytest.raises(QuotaExceededError):
        await storage.uploads.declare_length(upload.id, 11, TEN_BYTES)
    found = await storage.uploads.find(upload.id)
    assert found is not None
    assert (found.length_bytes, found.state) == (None, "open")
    assert (await storage.uploads.declare_length(upload.id, 10, TEN_BYTES)).length_bytes == 10


async def test_a_refused_length_counts_nothing(storage: Storage) -> None:
    upload = await begin(storage, length_bytes=3)
    with pytest.raises(UploadClosedError):
        await storage.uploads.declare_length(upload.id, 7, TEN_BYTES)
    await announce(storage, TEN_BYTES, length_bytes=7)


async def test_announcements_at_once_do_not_overshoot(storage: Storage) -> None:
    quota = UploadQuota(uploads=5, size_bytes=1000)
    outcomes = await asyncio.gather(
        *(announce(storage, quota) for _ in range(8)),
        *(storage.uploads.create(new_upload(None, partial=True), quota) for _ in range(8)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert {type(error) for error in refused} == {QuotaExceededError}
    assert len(refused) == 11


async def test_one_id_announced_many_times_at_once_counts_once(storage: Storage) -> None:
    video = new_video()
    upload = new_upload(video.id, length_bytes=10)
    one = UploadQuota(uploads=1, size_bytes=10)
    await asyncio.gather(*(storage.videos.create(video, upload, one) for _ in range(8)))
    await announce(storage, UploadQuota(uploads=2, size_bytes=10), length_bytes=0)


async def test_one_length_declared_many_times_at_once_counts_once(storage: Storage) -> None:
    upload = await begin(storage, length_bytes=None)
    declared = await asyncio.gather(
        *(storage.uploads.declare_length(upload.id, 6, TEN_BYTES) for _ in range(8))
    )
    assert {one.length_bytes for one in declared} == {6}
    await announce(storage, TEN_BYTES, length_bytes=4)


async def test_what_was_announced_is_told_day_by_day(storage: Storage) -> None:
    for day in (0, 1, 1, 3):
        await announce(storage, None, created_at=NOW + timedelta(days=day))
    await announce(storage, None, user_id=STRANGER)
    first, second, third = (
        UploadDay(day=NOW.date() + timedelta(days=day), uploads=uploads, size_bytes=size)
        for day, uploads, size in ((0, 1, 10), (1, 2, 20), (3, 1, 10))
    )
    assert await storage.accounts.upload_days(OWNER, None, 10) == [first, second, third]
    assert await storage.accounts.upload_days(OWNER, first.day, 1) == [second]
