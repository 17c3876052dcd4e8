"""Everything that is kept of one person, as one JSON document of any length.

Written page by page while it is read, so memory does not grow with what somebody has. `complete` stands at
the very end: a document that broke off has none, and is no JSON.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from gateway.audit import user_target
from gateway.caller import Caller
from gateway.event_stream import Seat
from gateway.identity.account import present_user
from gateway.ports import Surroundings
from gateway.present import Video, present_video
from gateway.route import Answer
from gateway.routes.playback import Playback, playback_of
from storage import records
from storage.asking import asking_as
from storage.identity_records import Account, ApiKey, AuditEntry, Session, UploadDay
from storage.records import VideoQuery

PAGE: Final = 100

Item = TypeVar("Item")


class ExportedOriginal(Answer, frozen=True, kw_only=True):
    """What is known of the file; it can be fetched at `playback.original`."""

    size_bytes: int
    sha256: str
    content_type: str


class ExportedUpload(Answer, frozen=True, kw_only=True):
    """A file that came, or was announced: whole, or a part of one that was put together from several."""

    id: UUID
    video_id: UUID | None
    partial: bool
    state: records.UploadState
    length_bytes: int | None
    offset_bytes: int
    content_type: str
    filename: str | None
    sha256: str | None
    created_at: datetime
    expires_at: datetime


class ExportedVideo(Video, frozen=True, kw_only=True):
    """A video with what only its owner is told."""

    original: ExportedOriginal | None
    playback: Playback


@dataclass(frozen=True, slots=True)
class Export:
    """The document of one account. It is written when the request is over: each query says who asks."""

    house: Surroundings
    caller: Caller
    account: Account

    async def parts(self, seat: Seat) -> AsyncIterator[bytes]:
        """Yield the document. Holds on to the seat for as long as it exists."""
        begin = {"exported_at": self.house.ports.now(), "account": present_user(self.account)}
        yield msgspec.json.encode(begin)[:-1]
        for name, pages in (
            ("sessions", self._sessions()),
            ("api_keys", self._api_keys()),
            ("videos", self._videos()),
            ("uploads", self._uploads()),
            ("upload_days", self._upload_days()),
            ("audit", self._audit()),
        ):
            yield f',"{name}":['.encode()
            lead = b""
            async for page in pages:
                yield lead + b",".join(map(msgspec.json.encode, page))
                lead = b","
            yield b"]"
        yield b',"complete":true}'
        del seat

    async def _pages(self, find: Callable[[Item | None], Awaitable[list[Item]]]) -> AsyncIterator[list[Item]]:
        """Yield page after page: each is found behind the last item of the one before."""
        last: Item | None = None
        while True:
            with asking_as(self.caller.asking):
                found = await find(last)
            if not found:
                return
            yield found
            last = found[-1]

    def _sessions(self) -> AsyncIterator[list[Session]]:
        page, me = self.house.ports.sessions.page, self.account.id
        return self._pages(lambda last: page(me, PAGE, before=last.id if last else None))

    def _api_keys(self) -> AsyncIterator[list[ApiKey]]:
        page, me = self.house.ports.api_keys.page, self.account.id
        return self._pages(lambda last: page(me, last.id if last else None, PAGE))

    def _upload_days(self) -> AsyncIterator[list[UploadDay]]:
        page, me = self.house.ports.accounts.upload_days, self.account.id
        return self._pages(lambda last: page(me, last.day if last else None, PAGE))

    async def _uploads(self) -> AsyncIterator[list[ExportedUpload]]:
        page, me = self.house.ports.uploads.page, self.account.id
        async for found in self._pages(lambda last: page(me, last.id if last else None, PAGE)):
            yield [present_upload(upload) for upload in found]

    async def _videos(self) -> AsyncIterator[list[ExportedVideo]]:
        page, me = self.house.ports.videos.page, self.account.id
        mine = VideoQuery(user_id=me)
        async for found in self._pages(
            lambda last: page(mine, me, (last.created_at, last.id) if last else None, PAGE)
        ):
            yield [self._video(video) for video in found]

    def _video(self, video: records.Video) -> ExportedVideo:
        original = video.original
        return ExportedVideo(
            **asdict(present_video(video, {}, self.house.ports.now())),
            original=ExportedOriginal(
                size_bytes=original.size_bytes, sha256=original.sha256, content_type=original.content_type
            )
            if original is not None
            else None,
            playback=playback_of(self.house, video),
        )

    async def _audit(self) -> AsyncIterator[list[AuditEntry]]:
        """Yield what the person did, then what others did to the account."""
        me = self.account.id
        async for page in self._audit_pages(actor_id=me, target=None):
            yield page
        async for page in self._audit_pages(actor_id=None, target=user_target(me)):
            others = [_without_address(entry) for entry in page if entry.actor_id != me]
            if others:
                yield others

    def _audit_pages(self, *, actor_id: UUID | None, target: str | None) -> AsyncIterator[list[AuditEntry]]:
        page = self.house.ports.audit.page
        return self._pages(
            lambda last: page(actor_id=actor_id, target=target, before=last.id if last else None, limit=PAGE)
        )


def _without_address(entry: AuditEntry) -> AuditEntry:
    """Return an entry of somebody else's act: from where they acted is their own matter."""
    return msgspec.structs.replace(entry, address=None) if entry.actor_id is not None else entry


def present_upload(upload: records.Upload) -> ExportedUpload:
    """Return the facts of an upload. Pure."""
    return ExportedUpload(
        id=upload.id,
        video_id=upload.video_id,
        partial=upload.partial,
        state=upload.state,
        length_bytes=upload.length_bytes,
        offset_bytes=upload.offset_bytes,
        content_type=upload.content_type,
        filename=upload.filename,
        sha256=upload.sha256,
        created_at=upload.created_at,
        expires_at=upload.expires_at,
    )
