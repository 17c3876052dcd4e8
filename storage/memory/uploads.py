"""Twin of the uploads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from storage.errors import UploadClosedError
from storage.identity_records import UploadQuota
from storage.memory.state import State, Sweep
from storage.records import NewUpload, Rejection, Segment, Upload
from storage.uploading import (
    CANCELLED_CODE,
    CANCELLED_DETAIL,
    EXPIRED_CODE,
    EXPIRED_DETAIL,
    GONE,
    append_refusal,
    expiry_announcement,
    length_refusal,
    total_bytes,
)
from subjects.codec import Envelope


@dataclass(frozen=True, slots=True)
class MemoryUploads:
    """Keeps whole uploads in the shared state."""

    state: State

    async def create(self, upload: NewUpload, quota: UploadQuota | None = None) -> None:
        """Keep a new upload; a known id changes nothing."""
        if upload.id in self.state.uploads:
            return
        if upload.video_id is not None:
            self.state.video(upload.video_id)
        self.state.announce(upload, quota)

    async def find(self, upload_id: UUID) -> Upload | None:
        """Return an upload in whatever state."""
        return self.state.upload(upload_id)

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Upload]:
        """Return up to `limit` of a user's uploads, the oldest id first."""
        mine = sorted(one.id for one in self.state.uploads.values() if one.user_id == user_id)
        found = [self.state.upload(one) for one in mine if after is None or one > after]
        return [replace(one, segments=()) for one in found[:limit] if one is not None]

    async def declare_length(
        self, upload_id: UUID, length_bytes: int, quota: UploadQuota | None = None
    ) -> Upload:
        """Set the length a client deferred."""
        upload = self.state.upload(upload_id)
        if upload is not None and upload.length_bytes == length_bytes:
            return upload
        fits = upload is not None and upload.state == "open" and upload.length_bytes is None
        if upload is None or not fits or upload.offset_bytes > length_bytes:
            raise length_refusal(upload_id, upload, length_bytes)
        more_bytes = length_bytes - self.state.sweeps[upload_id].reserved_bytes
        self.state.count(upload.user_id, upload.created_at, 0, more_bytes, quota)
        full = upload.partial and upload.offset_bytes == length_bytes
        return self._keep(upload, length_bytes=length_bytes, state="complete" if full else "open")

    def _keep(self, upload: Upload, **changes: object) -> Upload:
        self.state.uploads[upload.id] = replace(upload, **changes)
        return self.state.uploads[upload.id]

    async def append(
        self,
        upload_id: UUID,
        offset_bytes: int,
        segments: Sequence[Segment],
        announce: Envelope | None,
        expires_at: datetime,
    ) -> Upload:
        """Add durable segments, all or none."""
        upload, end_bytes = self.state.upload(upload_id), offset_bytes + total_bytes(segments)
        if upload is None or not _takes(upload, offset_bytes, end_bytes, last=announce is not None):
            raise append_refusal(upload_id, upload, offset_bytes)
        if announce is not None:
            self.state.promise(announce)
        full = announce is not None or (upload.partial and end_bytes == upload.length_bytes)
        return self._keep(
            upload,
            offset_bytes=end_bytes,
            expires_at=expires_at,
            state="complete" if full else "open",
            segments=(*upload.segments, *segments),
        )

    async def concatenate(self, final: NewUpload, partials: Sequence[UUID], announce: Envelope) -> Upload:
        """Make a complete upload out of complete partial ones."""
        known = self.state.upload(final.id)
        if known is not None:
            return known
        if final.video_id is not None:
            self.state.video(final.video_id)
        parts = self._parts(final, partials)
        for part in parts:
            self._keep(part, state="terminated", segments=())
            self._close(part.id).used_in = final.id
        size_bytes = sum(part.offset_bytes for part in parts)
        segments = tuple(segment for part in parts for segment in part.segments)
        self.state.begin(
            replace(final, length_bytes=size_bytes),
            state="complete",
            offset_bytes=size_bytes,
            segments=segments,
        )
        self.state.promise(announce)
        return self.state.upload(final.id) or self.state.uploads[final.id]

    def _parts(self, final: NewUpload, partials: Sequence[UUID]) -> list[Upload]:
        parts = []
        for partial_id in partials:
            part = self.state.uploads.get(partial_id)
            if part is None or part.user_id != final.user_id or partials.count(partial_id) > 1:
                raise UploadClosedError(partial_id, GONE)
            if not part.partial or part.state != "complete":
                raise UploadClosedError(partial_id, part.state)
            parts.append(part)
        return parts

    async def terminate(self, upload_id: UUID) -> bool:
        """Close an open upload at its client's wish."""
        upload = self.state.uploads.get(upload_id)
        if upload is None or upload.state != "open":
            return False
        self._keep(upload, state="terminated")
        self._abandon(upload, CANCELLED_CODE, CANCELLED_DETAIL)
        return True

    def _close(self, upload_id: UUID) -> Sweep:
        sweep = self.state.sweeps[upload_id]
        sweep.closed_at = sweep.closed_at or self.state.now()
        return sweep

    async def expire(self, now: datetime, limit: int) -> list[Upload]:
        """Close abandoned uploads and return those whose staging is still to be swept."""
        abandoned = [u for u in self._by_expiry() if u.expires_at <= now and _is_unfinished(u)]
        for upload in abandoned[:limit]:
            self._expire(upload)
        due = [upload for upload in self._by_expiry() if self._is_due(upload, now)]
        return [self.state.upload(u.id) or u for u in due[:limit]]

    def _by_expiry(self) -> list[Upload]:
        return sorted(self.state.uploads.values(), key=lambda u: (u.expires_at, u.id))

    def _expire(self, upload: Upload) -> None:
        self._keep(upload, state="expired")
        self._abandon(upload, EXPIRED_CODE, EXPIRED_DETAIL)

    def _abandon(self, upload: Upload, code: str, detail: str) -> None:
        """Reject the video that waited for this upload alone, and promise the news."""
        self._close(upload.id)
        video = self.state.videos.get(upload.video_id) if upload.video_id else None
        others = (u for u in self.state.uploads.values() if u.video_id == upload.video_id)
        if video and video.status == "waiting" and all(u.state not in ("open", "complete") for u in others):
            self.state.keep(video, status="rejected", rejection=Rejection(code=code, detail=detail))
            news = expiry_announcement(self.state.upload(upload.id) or upload, {video.id})
            if news is not None:
                self.state.promise(news)

    def _is_due(self, upload: Upload, now: datetime) -> bool:
        sweep = self.state.sweeps[upload.id]
        if sweep.swept_at is not None or upload.state == "open":
            return False
        if upload.state == "complete":
            return upload.expires_at <= now and not upload.partial and not self._is_needed(upload)
        return sweep.used_in is None or self._is_swept(sweep.used_in)

    def _is_swept(self, upload_id: UUID) -> bool:
        sweep = self.state.sweeps.get(upload_id)
        return sweep is None or sweep.swept_at is not None

    def _is_needed(self, upload: Upload) -> bool:
        video = self.state.videos.get(upload.video_id) if upload.video_id else None
        return video is not None and video.original is None and video.status != "rejected"

    async def swept(self, upload_ids: Sequence[UUID]) -> None:
        """Forget the segments of uploads whose staging is empty."""
        for upload_id in upload_ids:
            upload = self.state.uploads.get(upload_id)
            if upload is not None and upload.state != "open":
                self._keep(upload, segments=())
                sweep = self.state.sweeps[upload_id]
                sweep.swept_at = sweep.swept_at or self.state.now()


def _takes(upload: Upload, offset_bytes: int, end_bytes: int, *, last: bool) -> bool:
    """Whether an open upload takes bytes from `offset_bytes` to `end_bytes`."""
    if upload.state != "open" or upload.offset_bytes != offset_bytes:
        return False
    return end_bytes == upload.length_bytes if last else end_bytes <= (upload.length_bytes or end_bytes)


def _is_unfinished(upload: Upload) -> bool:
    return upload.state == "open" or (upload.partial and upload.state == "complete")
