from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from actors.expirer import Expirer
from actors.forgetter import BATCH, Forgetter
from storage.errors import StorageUnavailableError
from storage.identity_records import NewAccount
from storage.memory.storage import MemoryStorage
from storage.records import LOCAL_USER_ID, NewUpload, NewVideo
from subjects.account import AccountClosed
from subjects.codec import MESSAGE_ID, Envelope, derived_id
from subjects.message import Priority
from subjects.work import SweepDue
from tests.unit.actors.conftest import NOW, VIDEO

PERSON = UUID(int=7)
CLOSED = AccountClosed(user_id=PERSON)


@pytest.fixture
async def person(storage: MemoryStorage) -> UUID:
    """Somebody with an account beside the local one."""
    account = NewAccount(id=PERSON, email="r@example.org", name="Rain", password_hash="x", created_at=NOW)  # noqa: S106
    await storage.accounts.create(account)
    return PERSON


async def make_video(storage: MemoryStorage, owner: UUID, priority: Priority = Priority.NORMAL) -> UUID:
    video = NewVideo(id=uuid4(), user_id=owner, title="A clip", created_at=NOW, priority=priority)
    await storage.videos.create(video, make_upload(owner, video.id))
    return video.id


def make_upload(owner: UUID, video_id: UUID | None) -> NewUpload:
    return NewUpload(
        id=uuid4(),
        user_id=owner,
        video_id=video_id,
        length_bytes=3,
        content_type="video/mp4",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )


async def close(storage: MemoryStorage) -> None:
    assert await storage.departures.close(PERSON, Envelope("account.closed.normal.0", b"{}"))
    await storage.outbox.cross_out([line.id for line in await storage.outbox.pending(9)])


def forgetter(storage: Any) -> Forgetter:
    return Forgetter(storage.departures, storage.videos)


async def test_every_video_of_somebody_who_left_is_removed_and_others_stay(
    storage: Any, person: UUID, reports: Any
) -> None:
    theirs = [await make_video(storage, person) for _ in range(BATCH + 1)]
    await close(storage)
    assert await forgetter(storage).handle(CLOSED, reports.ctx) == ()
    assert await storage.departures.videos_of_closed(person, 9) == []
    assert (await storage.videos.load(VIDEO)).user_id == LOCAL_USER_ID
    promised = {line.subject for line in await storage.outbox.pending(BATCH * 2)}
    assert promised == {f"video.deleted.normal.{video_id}" for video_id in theirs}


async def test_the_news_is_what_the_owner_s_own_deletion_would_have_said(
    storage: Any, person: UUID, reports: Any
) -> None:
    video_id = await make_video(storage, person, Priority.HIGH)
    await close(storage)
    await forgetter(storage).handle(CLOSED, reports.ctx)
    (line,) = await storage.outbox.pending(9)
    assert line.subject == f"video.deleted.high.{video_id}"
    assert line.headers[MESSAGE_ID] == derived_id(str(video_id), "gateway", 0)


async def test_a_second_delivery_finds_nothing_more_to_do(storage: Any, person: UUID, reports: Any) -> None:
    await make_video(storage, person)
    await close(storage)
    for _ in range(2):
        await forgetter(storage).handle(CLOSED, reports.ctx)
    assert len(await storage.outbox.pending(9)) == 1


async def test_an_account_that_is_not_closed_keeps_everything(
    storage: Any, person: UUID, reports: Any
) -> None:
    video_id, upload = await make_video(storage, person), make_upload(person, None)
    await storage.uploads.create(upload)
    await forgetter(storage).handle(CLOSED, reports.ctx)
    assert (await storage.videos.load(video_id)).id == video_id
    assert (await storage.uploads.find(upload.id)).state == "open"
    assert await storage.outbox.pending(9) == []


async def test_uploads_without_a_video_take_no_more_bytes(storage: Any, person: UUID, reports: Any) -> None:
    upload = make_upload(person, None)
    await storage.uploads.create(upload)
    await close(storage)
    await forgetter(storage).handle(CLOSED, reports.ctx)
    assert (await storage.uploads.find(upload.id)).state == "terminated"


class Racing:
    """Videos of which the owner's other device removes each before the actor does."""

    def __init__(self, videos: Any) -> None:
        self.videos = videos

    async def load(self, video_id: UUID) -> Any:
        await self.videos.remove(video_id, PERSON, Envelope("video.deleted.normal.0", b"{}"))
        return await self.videos.load(video_id)

    async def remove(self, video_id: UUID, owner_id: UUID, announce: Envelope) -> bool:
        return await self.videos.remove(video_id, owner_id, announce)


async def test_a_video_that_somebody_else_removes_meanwhile_holds_up_no_other(
    storage: Any, person: UUID, reports: Any
) -> None:
    for _ in range(2):
        await make_video(storage, person)
    await close(storage)
    await Forgetter(storage.departures, Racing(storage.videos)).handle(CLOSED, reports.ctx)
    assert await storage.departures.videos_of_closed(person, 9) == []


class Breaking(Racing):
    """Videos behind a server that goes away after the first removal."""

    removed = 0

    async def load(self, video_id: UUID) -> Any:
        return await self.videos.load(video_id)

    async def remove(self, video_id: UUID, owner_id: UUID, announce: Envelope) -> bool:
        if self.removed:
            raise StorageUnavailableError("gone")
        self.removed += 1
        return await super().remove(video_id, owner_id, announce)


async def test_who_comes_after_a_crash_goes_on_and_no_news_is_lost(
    storage: Any, person: UUID, reports: Any
) -> None:
    theirs = {await make_video(storage, person) for _ in range(3)}
    await close(storage)
    with pytest.raises(StorageUnavailableError):
        await Forgetter(storage.departures, Breaking(storage.videos)).handle(CLOSED, reports.ctx)
    await forgetter(storage).handle(CLOSED, reports.ctx)
    promised = [UUID(line.subject.rpartition(".")[2]) for line in await storage.outbox.pending(9)]
    assert sorted(promised) == sorted(theirs)


async def test_long_work_gives_signs_of_life(storage: Any, person: UUID, reports: Any) -> None:
    for _ in range(3):
        await make_video(storage, person)
    await close(storage)
    await forgetter(storage).handle(CLOSED, reports.ctx)
    assert reports.extended >= 3


async def test_in_the_end_the_sweep_finds_nobody_to_remember(
    storage: Any, objects: Any, person: UUID, reports: Any
) -> None:
    await make_video(storage, person)
    await storage.uploads.create(make_upload(person, None))
    await close(storage)
    await forgetter(storage).handle(CLOSED, reports.ctx)

    def later() -> datetime:
        return NOW + timedelta(minutes=1)

    await Expirer(objects, storage.uploads, storage.departures, later).handle(SweepDue(), reports.ctx)
    state = storage.departures.state
    assert PERSON not in state.people
    assert {upload.user_id for upload in state.uploads.values()} == {LOCAL_USER_ID}
