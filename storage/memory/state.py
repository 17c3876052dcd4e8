"""What the twins share: one set of tables, so that what one promises another can see."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import asdict, replace

from storage.errors import QuotaExceededError, VideoGoneError
from storage.identity_records import AuditEntry, UploadQuota
from storage.memory.people import Family, Person, RefreshToken, ServiceKey, local_person
from storage.records import LOCAL_USER_ID, Answer, NewUpload, OutboxLine, Upload, Video
from storage.rendition_records import EncodedChunk, EncodingPlan, Package
from storage.uploading import reserved_bytes
from storage.words import storable
from subjects.codec import Envelope
from subjects.media import Rendition


def utc_now() -> datetime:
    """Return the time, as Postgres would."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Sweep:
    """What is known of an upload's staging beyond the upload itself."""

    closed_at: datetime | None = None
    used_in: UUID | None = None
    """The upload a partial one became part of."""
    swept_at: datetime | None = None
    reserved_bytes: int = 0
    """What it was counted for before its length was known."""


@dataclass(slots=True)
class KeyUse:
    """A request that an idempotency key was used for."""

    fingerprint: str
    resource_id: UUID
    claimed_at: datetime
    answer: Answer | None = None


@dataclass(slots=True)
class State:
    """The tables. A method that does not await is a transaction."""

    now: Callable[[], datetime] = utc_now
    videos: dict[UUID, Video] = field(default_factory=dict)
    placed_by_owner: set[UUID] = field(default_factory=set)
    uploads: dict[UUID, Upload] = field(default_factory=dict)
    sweeps: dict[UUID, Sweep] = field(default_factory=dict)
    outbox: dict[int, OutboxLine] = field(default_factory=dict)
    promises: int = 0
    key_uses: dict[tuple[UUID, str], KeyUse] = field(default_factory=dict)
    audit: dict[UUID, AuditEntry] = field(default_factory=dict)
    upload_days: dict[tuple[UUID, date], tuple[int, int]] = field(default_factory=dict)
    """Uploads and bytes that each user announced on each day (UTC)."""
    closed_at: dict[UUID, datetime] = field(default_factory=dict)
    """Accounts that were closed, until nothing refers to them any more."""
    people: dict[UUID, Person] = field(default_factory=lambda: {LOCAL_USER_ID: local_person()})
    sessions: dict[UUID, Family] = field(default_factory=dict)
    refresh_tokens: dict[bytes, RefreshToken] = field(default_factory=dict)
    api_keys: dict[UUID, ServiceKey] = field(default_factory=dict)
    plans: dict[tuple[UUID, int], EncodingPlan] = field(default_factory=dict)
    """By video and pass; so are chunks, which have numbers besides."""
    chunks: dict[tuple[UUID, int], dict[int, EncodedChunk]] = field(default_factory=dict)
    renditions: dict[UUID, dict[str, Rendition]] = field(default_factory=dict)
    packages: dict[UUID, dict[int, Package]] = field(default_factory=dict)
    announced: dict[tuple[UUID, int], int] = field(default_factory=dict)
    """By video and pass: the version of the package with which its end is told."""
    forgotten: dict[tuple[UUID, int], int] = field(default_factory=dict)
    """By video and pass: how often chunks of it were forgotten."""

    def video(self, video_id: UUID) -> Video:
        """Return a video. Raises VideoGoneError."""
        if video_id not in self.videos:
            raise VideoGoneError(video_id)
        return self.videos[video_id]

    def person(self, user_id: UUID) -> Person | None:
        """Return somebody whose account is not closed, or None."""
        return None if user_id in self.closed_at else self.people.get(user_id)

    def owned(self, video_id: UUID, owner_id: UUID) -> Video | None:
        """Return a video of this owner, or None."""
        video = self.videos.get(video_id)
        return video if video is not None and video.user_id == owner_id else None

    def keep(self, video: Video, **changes: object) -> Video:
        """Keep a video with changes, touched now."""
        self.videos[video.id] = replace(video, **changes, updated_at=self.now())
        return self.videos[video.id]

    def forget_renditions(self, video_id: UUID) -> None:
        """Drop what was made of a video, as its rows' foreign keys do."""
        self.plans = {key: plan for key, plan in self.plans.items() if key[0] != video_id}
        self.chunks = {key: chunks for key, chunks in self.chunks.items() if key[0] != video_id}
        self.announced = {key: told for key, told in self.announced.items() if key[0] != video_id}
        self.forgotten = {key: times for key, times in self.forgotten.items() if key[0] != video_id}
        self.renditions.pop(video_id, None)
        self.packages.pop(video_id, None)

    def upload(self, upload_id: UUID) -> Upload | None:
        """Return an upload with the priority of its video, or None."""
        upload = self.uploads.get(upload_id)
        video = self.videos.get(upload.video_id) if upload and upload.video_id else None
        return replace(upload, priority=video.priority) if upload and video else upload

    def begin(self, upload: NewUpload, **progress: Any) -> None:
        """Keep a new upload, with nothing of it here unless said; a known id changes nothing."""
        said = asdict(upload) | {"filename": storable(upload.filename)}
        self.uploads.setdefault(upload.id, Upload(**said, **progress))
        self.sweeps.setdefault(upload.id, Sweep())

    def announce(self, upload: NewUpload, quota: UploadQuota | None) -> None:
        """Count a new upload and keep it. Raises QuotaExceededError, having kept nothing."""
        reserved = reserved_bytes(upload, quota)
        size_bytes = reserved if upload.length_bytes is None else upload.length_bytes
        self.count(upload.user_id, upload.created_at, 1, size_bytes, quota)
        self.begin(upload)
        self.sweeps[upload.id].reserved_bytes = reserved

    def count(
        self, user_id: UUID, at: datetime, uploads: int, size_bytes: int, quota: UploadQuota | None
    ) -> None:
        """Count what is announced against the user's day. Raises QuotaExceededError."""
        if user_id in self.closed_at:
            raise QuotaExceededError(f"account {user_id} is closed")
        day = user_id, at.astimezone(UTC).date()
        before_uploads, before_bytes = self.upload_days.get(day, (0, 0))
        total = before_uploads + uploads, before_bytes + size_bytes
        beyond = quota is not None and (total[0] > quota.uploads or total[1] > quota.size_bytes)
        if beyond and size_bytes >= 0:  # what is given back fits always
            raise QuotaExceededError(f"account {user_id} has announced as much as it may")
        self.upload_days[day] = total

    def promise(self, envelope: Envelope) -> None:
        """Put a message into the outbox."""
        self.promises += 1
        self.outbox[self.promises] = OutboxLine(
            id=self.promises, subject=envelope.subject, headers=dict(envelope.headers), body=envelope.body
        )
