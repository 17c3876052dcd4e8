"""The contract of Departures: how an account is forgotten, for the twin and for Postgres."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from storage.bundle import Storage
from storage.errors import QuotaExceededError, UploadClosedError
from storage.identity_records import NOBODY_ID, NewAccount, NewApiKey, NewSession, UploadQuota
from storage.records import LOCAL_USER_ID, Answer
from storage.removal import removal_announcement
from tests.contract.storage_values import LATER, NOW, begin, keep, new_upload, new_video, news, segments

TODAY = datetime.now(UTC)
HASH = "$argon2id$x"
MONTH = timedelta(days=31)


@pytest.fixture(autouse=True)
async def _nobody_left_before(storage: Storage) -> None:
    """Purge whoever left in other tests."""
    await purge(storage)


def somebody() -> NewAccount:
    user_id = uuid4()
    return NewAccount(
        id=user_id, email=f"{user_id}@example.org", name="Rain", password_hash=HASH, created_at=NOW
    )


@pytest.fixture
async def account(storage: Storage) -> AsyncIterator[NewAccount]:
    """Somebody who has an account."""
    made = somebody()
    assert await storage.accounts.create(made)
    yield made
    await purge(storage)


async def purge(storage: Storage, now: datetime = TODAY) -> int:
    """Purge until nothing more goes, and return how many rows went."""
    total = 0
    while count := await storage.departures.purge(now, 100):
        total += count
    return total


async def sign_in(storage: Storage, user_id: UUID, **said: Any) -> NewSession:
    usual = {"id": uuid4(), "token_hash": uuid4().bytes * 2, "created_at": TODAY, "expires_at": TODAY + MONTH}
    session = NewSession(**(usual | {"user_id": user_id} | said))
    await storage.sessions.open(session)
    return session


async def rows(storage_url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(storage_url)
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


async def test_a_closed_account_is_found_no_more_and_its_e_mail_is_free(
    storage: Storage, account: NewAccount
) -> None:
    assert await storage.departures.close(account.id, news("account.closed"))
    assert await storage.accounts.find(account.id) is None
    assert await storage.accounts.find_credentials(account.email) is None
    again = NewAccount(id=uuid4(), email=account.email, name="New", password_hash=HASH, created_at=NOW)
    assert await storage.accounts.create(again)
    await storage.departures.close(again.id, news())


async def test_the_news_is_promised_once(storage: Storage, account: NewAccount) -> None:
    announce = news("account.closed")
    assert await storage.departures.close(account.id, announce)
    assert not await storage.departures.close(account.id, news("account.closed"))
    (line,) = await storage.outbox.pending(9)
    assert (line.subject, line.body, line.headers) == (announce.subject, announce.body, announce.headers)


async def test_of_many_who_close_one_account_at_once_one_does(storage: Storage, account: NewAccount) -> None:
    closed = await asyncio.gather(*(storage.departures.close(account.id, news()) for _ in range(6)))
    assert sorted(closed) == [False] * 5 + [True]
    assert len(await storage.outbox.pending(9)) == 1


@pytest.mark.parametrize("user_id", [LOCAL_USER_ID, NOBODY_ID], ids=["the local account", "nobody"])
async def test_neither_the_local_account_nor_nobody_can_be_closed(storage: Storage, user_id: UUID) -> None:
    assert not await storage.departures.close(user_id, news("account.closed"))
    assert await storage.outbox.pending(9) == []


async def test_the_local_account_lives_on(storage: Storage) -> None:
    await storage.departures.close(LOCAL_USER_ID, news())
    assert await storage.accounts.find(LOCAL_USER_ID) is not None


async def test_sessions_keys_answers_and_days_go_with_the_account_and_others_keep_theirs(
    storage: Storage, account: NewAccount
) -> None:
    other = somebody()
    await storage.accounts.create(other)
    one = UploadQuota(uploads=1, size_bytes=100)
    for user in (account, other):
        await begin(storage, user_id=user.id)
        key = NewApiKey(
            id=uuid4(), user_id=user.id, name="k", prefix="tt_", secret_hash=user.id.bytes * 2,
            scopes=("videos.read",), created_at=NOW,
        )  # fmt: skip
        assert await storage.api_keys.create(key, 9)
        await storage.idempotency.claim(user.id, "k", "f", uuid4())
        await storage.idempotency.answer(user.id, "k", Answer(status=200, headers={}, body=b"x"))
    mine, theirs = [await sign_in(storage, user.id) for user in (account, other)]
    await storage.departures.close(account.id, news())
    assert await storage.sessions.find_standing(mine.id, TODAY) is None
    assert await storage.sessions.find_standing(theirs.id, TODAY) is not None
    assert await storage.api_keys.find_standing(account.id.bytes * 2) is None
    assert await storage.api_keys.find_standing(other.id.bytes * 2) is not None
    assert (await storage.idempotency.claim(account.id, "k", "g", uuid4())).kind == "fresh"
    assert (await storage.idempotency.claim(other.id, "k", "f", uuid4())).kind == "answered"
    with pytest.raises(QuotaExceededError):
        await begin_counted(storage, other.id, one)
    await storage.departures.close(other.id, news())


async def begin_counted(storage: Storage, user_id: UUID, quota: UploadQuota) -> None:
    await storage.uploads.create(new_upload(None, user_id=user_id), quota)


async def test_nothing_begins_in_a_closed_account(storage: Storage, account: NewAccount) -> None:
    deferred = await begin(storage, user_id=account.id, length_bytes=None)
    await storage.departures.close(account.id, news())
    video = new_video(user_id=account.id)
    with pytest.raises(QuotaExceededError):
        await storage.videos.create(video, new_upload(video.id, user_id=account.id))
    with pytest.raises(QuotaExceededError):
        await begin(storage, user_id=account.id)
    with pytest.raises(QuotaExceededError):
        await storage.uploads.declare_length(deferred.id, 3)
    await storage.uploads.terminate(deferred.id)
    assert await storage.departures.videos_of_closed(account.id, 9) == []


async def test_a_video_that_is_announced_while_its_account_closes_is_found_or_refused(
    storage: Storage, account: NewAccount
) -> None:
    async def announce() -> UUID:
        return (await keep(storage, user_id=account.id)).id

    *made, closed = await asyncio.gather(
        *(announce() for _ in range(8)), storage.departures.close(account.id, news()), return_exceptions=True
    )
    assert closed is True
    kept = {one for one in made if isinstance(one, UUID)}
    assert {type(one) for one in made} <= {UUID, QuotaExceededError}
    assert set(await storage.departures.videos_of_closed(account.id, 99)) == kept
    for video_id in kept:
        await storage.videos.remove(video_id, account.id, news())


async def test_the_videos_of_a_closed_account_are_listed_until_they_are_removed(
    storage: Storage, account: NewAccount
) -> None:
    times = [NOW + timedelta(seconds=seconds) for seconds in range(3)]
    made = [await keep(storage, user_id=account.id, created_at=at) for at in times]
    await keep(storage)
    assert await storage.departures.videos_of_closed(account.id, 9) == []
    await storage.departures.close(account.id, news())
    assert await storage.departures.videos_of_closed(account.id, 2) == [made[0].id, made[1].id]
    for video in made:
        loaded = await storage.videos.load(video.id)
        assert await storage.videos.remove(video.id, account.id, removal_announcement(loaded))
    assert await storage.departures.videos_of_closed(account.id, 9) == []


async def test_uploads_without_a_video_are_closed_with_their_account(
    storage: Storage, account: NewAccount
) -> None:
    opened = await begin(storage, user_id=account.id)
    part = await begin(storage, user_id=account.id, partial=True, length_bytes=3)
    await storage.uploads.append(part.id, 0, segments(3), None, LATER)
    elsewhere = await begin(storage)
    assert await storage.departures.terminate_uploads(account.id) == 0
    await storage.departures.close(account.id, news())
    assert await storage.departures.terminate_uploads(account.id) == 2
    assert await storage.departures.terminate_uploads(account.id) == 0
    assert [(await storage.uploads.find(one.id)).state for one in (opened, part)] == ["terminated"] * 2
    assert (await storage.uploads.find(elsewhere.id)).state == "open"
    with pytest.raises(UploadClosedError):
        await storage.uploads.append(opened.id, 0, segments(3), None, LATER)
    swept = {upload.id for upload in await storage.uploads.expire(NOW, 9)}
    assert swept == {opened.id, part.id}


async def test_the_bare_account_goes_once_nothing_refers_to_it(storage: Storage, account: NewAccount) -> None:
    video = await keep(storage, user_id=account.id)
    await storage.departures.close(account.id, news())
    assert await purge(storage) == 0
    await storage.videos.remove(video.id, account.id, news())
    assert await purge(storage) == 0
    (upload,) = await storage.uploads.expire(NOW, 9)
    await storage.uploads.swept([upload.id])
    assert await purge(storage) == 2
    assert await storage.uploads.find(upload.id) is None
    assert not await storage.departures.close(account.id, news())


async def test_an_account_that_is_not_closed_is_never_purged(storage: Storage, account: NewAccount) -> None:
    assert await purge(storage, TODAY + timedelta(days=3650)) == 0
    assert await storage.accounts.find(account.id) is not None


async def test_a_purge_takes_no_more_than_its_limit(storage: Storage) -> None:
    for made in (somebody(), somebody(), somebody()):
        await storage.accounts.create(made)
        await storage.departures.close(made.id, news())
    assert [await storage.departures.purge(TODAY, 2) for _ in range(3)] == [2, 1, 0]


async def test_a_swept_upload_is_kept_for_a_week(storage: Storage, account: NewAccount) -> None:
    done, waiting = await begin(storage), await begin(storage)
    await storage.uploads.terminate(done.id)
    await storage.uploads.swept([done.id])
    now = datetime.now(UTC)
    await purge(storage, now + timedelta(days=6))
    assert await storage.uploads.find(done.id) is not None
    await purge(storage, now + timedelta(days=8))
    assert await storage.uploads.find(done.id) is None
    assert await storage.uploads.find(waiting.id) is not None


async def test_the_parts_of_an_upload_that_was_purged_are_still_swept(
    storage: Storage, account: NewAccount
) -> None:
    part = await begin(storage, partial=True, length_bytes=3)
    await storage.uploads.append(part.id, 0, segments(3), None, LATER)
    whole = new_upload(None)
    await storage.uploads.concatenate(whole, [part.id], news("upload.completed"))
    await storage.uploads.swept([whole.id])
    await purge(storage, datetime.now(UTC) + timedelta(days=8))
    assert await storage.uploads.find(whole.id) is None
    assert [upload.id for upload in await storage.uploads.expire(NOW, 9)] == [part.id]


async def test_days_count_for_a_week(storage: Storage, account: NewAccount) -> None:
    one = UploadQuota(uploads=1, size_bytes=100)
    await begin_counted(storage, account.id, one)
    await purge(storage, NOW + timedelta(days=7))
    with pytest.raises(QuotaExceededError):
        await begin_counted(storage, account.id, one)
    await purge(storage, NOW + timedelta(days=8))
    await begin_counted(storage, account.id, one)


async def test_a_session_is_kept_for_a_month_after_its_end(storage: Storage, account: NewAccount) -> None:
    expired = await sign_in(storage, account.id, expires_at=TODAY)
    revoked = await sign_in(storage, account.id, expires_at=TODAY + timedelta(days=365))
    await storage.sessions.revoke(revoked.token_hash, TODAY)
    alive = await sign_in(storage, account.id, expires_at=TODAY + timedelta(days=365))
    await purge(storage, TODAY + timedelta(days=29))
    assert {s.id for s in await storage.sessions.page(account.id, 9)} == {expired.id, revoked.id, alive.id}
    await purge(storage, TODAY + MONTH)
    assert {session.id for session in await storage.sessions.page(account.id, 9)} == {alive.id}


async def test_purges_at_once_do_not_fail_each_other(storage: Storage) -> None:
    for made in [somebody() for _ in range(8)]:
        await storage.accounts.create(made)
        await storage.departures.close(made.id, news())
    gone = await asyncio.gather(*(storage.departures.purge(TODAY, 3) for _ in range(6)))
    assert sum(gone) + await purge(storage) == 8


@pytest.mark.parametrize("storage_url", ["postgres"], indirect=True)
async def test_nothing_personal_is_left_in_any_row_of_somebody_who_left(
    storage: Storage, storage_url: str, account: NewAccount
) -> None:
    await sign_in(storage, account.id)
    await storage.departures.close(account.id, news())
    (left,) = await rows(storage_url, "select * from users where id = $1", account.id)
    kept = {name for name, value in left.items() if value is not None}
    assert kept == {"id", "created_at", "updated_at", "closed_at", "role"}
    assert left["role"] == "viewer"
    for table in ("sessions", "api_keys", "idempotency_keys", "upload_days"):
        assert await rows(storage_url, f"select 1 from {table} where user_id = $1", account.id) == []  # noqa: S608
