"""tus uploads in Postgres."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Final
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from storage.errors import UploadClosedError, VideoGoneError
from storage.identity_records import UploadQuota
from storage.postgres.failures import mapped_quota
from storage.postgres.pool import Database, Row, Session
from storage.postgres.rows import envelope_values, quota_values, upload_of, upload_values
from storage.queries import Queries
from storage.records import NewUpload, Segment, Upload
from storage.uploading import (
    CANCELLED_CODE,
    CANCELLED_DETAIL,
    EXPIRED_CODE,
    EXPIRED_DETAIL,
    GONE,
    append_refusal,
    expiry_announcement,
    length_refusal,
    reserved_bytes,
    total_bytes,
)
from subjects.codec import Envelope

_BIGINT_MAX: Final = (1 << 63) - 1


def _sql(name: str) -> "partial[Queries]":
    return partial(Queries.read, name)


@dataclass(frozen=True, slots=True)
class PostgresUploads:
    """Uploads and their segments."""

    database: Database
    queries: Queries = field(default_factory=_sql("uploads"))
    outbox: Queries = field(default_factory=_sql("outbox"))

    async def create(self, upload: NewUpload, quota: UploadQuota | None = None) -> None:
        """Keep a new upload; a known id changes nothing."""
        values = *upload_values(upload), *quota_values(quota), reserved_bytes(upload, quota)
        try:
            with mapped_quota():
                await self.database.fetch(self.queries["create_upload"], *values)
        except asyncpg.ForeignKeyViolationError as error:
            raise _gone(upload, error) from error

    async def find(self, upload_id: UUID) -> Upload | None:
        """Return an upload in whatever state."""
        row = await self.database.fetch_row(self.queries["find_upload"], upload_id)
        return upload_of(row) if row else None

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Upload]:
        """Return up to `limit` of a user's uploads, the oldest id first."""
        rows = await self.database.fetch(self.queries["page_uploads"], user_id, after, limit)
        return [upload_of(row) for row in rows]

    async def declare_length(
        self, upload_id: UUID, length_bytes: int, quota: UploadQuota | None = None
    ) -> Upload:
        """Set the length a client deferred."""
        values = upload_id, length_bytes, *quota_values(quota)
        with mapped_quota():
            row = await self.database.fetch_row(self.queries["declare_length"], *values)
        upload = await self.find(upload_id)
        if row is None or upload is None:
            raise length_refusal(upload_id, upload, length_bytes)
        return upload

    async def append(
        self,
        upload_id: UUID,
        offset_bytes: int,
        segments: Sequence[Segment],
        announce: Envelope | None,
        expires_at: datetime,
    ) -> Upload:
        """Add durable segments, all or none."""
        row = await self.database.fetch_row(
            self.queries["append_segments"],
            upload_id,
            min(offset_bytes, _BIGINT_MAX),  # a client may claim any offset: it is wrong, not an error
            total_bytes(segments),
            expires_at,
            [segment.key for segment in segments],
            [segment.size_bytes for segment in segments],
            *envelope_values(announce),
        )
        upload = await self.find(upload_id)
        if row is None or upload is None:
            raise append_refusal(upload_id, upload, offset_bytes)
        return upload

    async def concatenate(self, final: NewUpload, partials: Sequence[UUID], announce: Envelope) -> Upload:
        """Make a complete upload out of complete partial ones."""
        try:
            async with self.database.transaction() as session:
                await self._concatenate(session, final, partials, announce)
                row = await session.fetch_row(self.queries["find_upload"], final.id)
        except asyncpg.ForeignKeyViolationError as error:
            raise _gone(final, error) from error
        if row is None:
            raise UploadClosedError(final.id, GONE)
        return upload_of(row)

    async def _concatenate(
        self, session: Session, final: NewUpload, partials: Sequence[UUID], announce: Envelope
    ) -> None:
        if await session.fetch_row(self.queries["find_upload"], final.id):
            return
        rows = {row["id"]: row for row in await session.fetch(self.queries["lock_uploads"], list(partials))}
        sizes_bytes = list(_sizes_bytes(final, partials, rows))
        whole = replace(final, length_bytes=sum(sizes_bytes))
        if not await session.fetch_row(self.queries["create_final_upload"], *upload_values(whole)):
            return
        starts_bytes = [0, *accumulate(sizes_bytes)][:-1]
        await session.fetch(self.queries["move_segments"], final.id, list(partials), starts_bytes)
        await session.fetch(self.outbox["promise"], *envelope_values(announce))

    async def terminate(self, upload_id: UUID) -> bool:
        """Close an open upload at its client's wish."""
        async with self.database.transaction() as session:
            closed = await session.fetch_row(self.queries["terminate_upload"], upload_id)
            if closed is not None:
                await self._abandon(session, [upload_id], CANCELLED_CODE, CANCELLED_DETAIL)
        return closed is not None

    async def expire(self, now: datetime, limit: int) -> list[Upload]:
        """Close abandoned uploads and return those whose staging is still to be swept."""
        async with self.database.transaction() as session:
            closed = [row["id"] for row in await session.fetch(self.queries["expire_uploads"], now, limit)]
            if closed:
                await self._abandon(session, closed, EXPIRED_CODE, EXPIRED_DETAIL)
        return [
            upload_of(row) for row in await self.database.fetch(self.queries["uploads_to_sweep"], now, limit)
        ]

    async def _abandon(self, session: Session, closed: list[UUID], code: str, detail: str) -> None:
        """Reject the videos that waited for these uploads alone, and promise the news."""
        rows = await session.fetch(self.queries["reject_abandoned"], closed, code, detail)
        rejected = {row["id"] for row in rows}
        for row in await session.fetch(self.queries["find_uploads"], closed, len(closed)):
            news = expiry_announcement(upload_of(row), rejected)
            if news is not None:
                await session.fetch(self.outbox["promise"], *envelope_values(news))

    async def swept(self, upload_ids: Sequence[UUID]) -> None:
        """Forget the segments of uploads whose staging is empty."""
        await self.database.fetch(self.queries["sweep_uploads"], list(upload_ids))


def _sizes_bytes(final: NewUpload, partials: Sequence[UUID], rows: dict[UUID, Row]) -> Iterator[int]:
    """Yield the size of each partial upload in order. Raises UploadClosedError for one that does not fit."""
    for partial_id in partials:
        row = rows.get(partial_id)
        if row is None or row["user_id"] != final.user_id or partials.count(partial_id) > 1:
            raise UploadClosedError(partial_id, GONE)
        if not row["partial"] or row["state"] != "complete":
            raise UploadClosedError(partial_id, row["state"])
        yield row["offset_bytes"]


def _gone(upload: NewUpload, error: asyncpg.ForeignKeyViolationError) -> Exception:
    """Return what a missing reference means: the video was deleted; a missing user stays what it is."""
    about_video = upload.video_id is not None and "video_id" in (error.constraint_name or "")
    return VideoGoneError(upload.video_id) if about_video and upload.video_id else error
