"""Videos in Postgres. Every write locks the video's row first."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from storage.errors import VideoGoneError
from storage.identity_records import UploadQuota
from storage.journey import STAGE_NAMES
from storage.postgres.failures import mapped_quota
from storage.postgres.pool import Database, Row
from storage.postgres.rows import envelope_values, original_of, quota_values, upload_values, video_of
from storage.queries import Queries
from storage.records import Box, Illustration, NewUpload, NewVideo, Original, Video, VideoChanges, VideoQuery
from storage.uploading import reserved_bytes
from storage.words import words_of
from subjects.codec import Envelope
from subjects.media import Location, Metadata


@dataclass(frozen=True, slots=True)
class PostgresVideos:
    """The aggregate of a video."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "videos"))

    async def create(self, video: NewVideo, upload: NewUpload, quota: UploadQuota | None = None) -> None:
        """Keep the intent and its upload; a known id changes nothing."""
        with mapped_quota():
            await self.database.fetch(
                self.queries["create_video"],
                *_intent_values(video),
                *upload_values(upload),
                *quota_values(quota),
                reserved_bytes(upload, quota),
            )

    async def find(self, video_id: UUID, viewer_id: UUID) -> Video | None:
        """Return a video the viewer may see."""
        row = await self.database.fetch_row(self.queries["find_video"], video_id, viewer_id)
        return video_of(row) if row else None

    async def page(
        self, query: VideoQuery, viewer_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Video]:
        """Return up to `limit` videos, newest first."""
        rows = await self.database.fetch(
            self.queries["page_videos"],
            viewer_id,
            *(before or (None, None)),
            query.user_id,
            query.status,
            None if query.text is None else words_of(query.text),
            *_box_values(query.box),
            limit,
        )
        return [video_of(row) for row in rows]

    async def edit(self, video_id: UUID, owner_id: UUID, changes: VideoChanges) -> Video | None:
        """Apply an owner's changes."""
        row = await self.database.fetch_row(
            self.queries["edit_video"], video_id, owner_id, *_change_values(changes)
        )
        return await self.find(video_id, owner_id) if row else None

    async def remove(self, video_id: UUID, owner_id: UUID, announce: Envelope) -> bool:
        """Delete a video, leave its uploads to the sweep, and promise the news."""
        row = await self.database.fetch_row(
            self.queries["remove_video"], video_id, owner_id, *envelope_values(announce)
        )
        return bool(row and row["removed"])

    async def reopen(self, video_id: UUID, owner_id: UUID) -> tuple[str, ...] | None:
        """Make failed stages pending; the names of those that were."""
        row = await self.database.fetch_row(self.queries["reopen_video"], video_id, owner_id)
        return tuple(name for name in STAGE_NAMES if name in row["names"]) if row else None

    async def load(self, video_id: UUID) -> Video:
        """Return a video for an actor."""
        return video_of(await self._known("find_video", video_id, None))

    async def record_original(self, video_id: UUID, original: Original) -> Original:
        """Keep the first original and find what it duplicates."""
        async with self.database.transaction() as session:
            owner = await session.fetch_row(self.queries["lock_content"], video_id, original.sha256)
            row = owner and await session.fetch_row(
                self.queries["record_original"],
                video_id,
                owner["user_id"],
                original.key,
                original.size_bytes,
                original.sha256,
                original.content_type,
            )
        if row is None:
            raise VideoGoneError(video_id)
        return original_of(row)

    async def record_probe(
        self, video_id: UUID, metadata: Metadata, location: Location | None, recorded_at: datetime | None
    ) -> Video:
        """Keep what the prober learned where the owner said nothing."""
        await self._known("record_probe", video_id, metadata, *_location_values(location), recorded_at)
        return await self.load(video_id)

    async def record_illustration(self, video_id: UUID, illustration: Illustration) -> None:
        """Keep the pictures, in place of earlier ones."""
        await self._known("record_illustration", video_id, illustration)

    async def reject(self, video_id: UUID, stage: str, code: str, detail: str) -> None:
        """Make the video rejected and the stage failed; the first rejection stands."""
        await self._known("reject_video", video_id, stage if stage in STAGE_NAMES else None, code, detail)

    async def finish(self, video_id: UUID) -> None:
        """Make the video ready unless it was rejected."""
        await self._known("finish_video", video_id)

    async def _known(self, query: str, video_id: UUID, *values: object) -> Row:
        row = await self.database.fetch_row(self.queries[query], video_id, *values)
        if row is None:
            raise VideoGoneError(video_id)
        return row


def _intent_values(video: NewVideo) -> tuple[object, ...]:
    """Return the values of a video in `create_video`, in its order."""
    return (
        video.id,
        video.user_id,
        video.title,
        video.description,
        words_of(video.title),
        words_of(video.description),
        video.visibility,
        *_location_values(video.location),
        video.recorded_at,
        video.priority,
        video.created_at,
    )


def _location_values(place: Location | None) -> tuple[float | None, float | None, str | None]:
    return (place.lat, place.lng, place.source) if place else (None, None, None)


def _change_values(changes: VideoChanges) -> list[object]:
    """Return for each field whether it changes, and to what."""
    values: list[object] = []
    for text in (changes.title, changes.description):
        values += [True, text, words_of(text)] if text is not msgspec.UNSET else [False, None, None]
    seen, place = changes.visibility, changes.location
    values += [True, seen] if seen is not msgspec.UNSET else [False, None]
    values += [True, *_location_values(place)] if place is not msgspec.UNSET else [False, None, None, None]
    return values


def _box_values(box: Box | None) -> tuple[float | None, ...]:
    """Return south, north, and two spans of longitudes that do not cross the antimeridian."""
    if box is None:
        return (None,) * 6
    if box.west <= box.east:
        return (box.south, box.north, box.west, box.east, box.west, box.east)
    return (box.south, box.north, box.west, 180.0, -180.0, box.east)
