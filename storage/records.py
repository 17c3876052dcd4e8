"""The values that cross the storage ports: immutable, without behaviour."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from storage.rendition_records import Package
from subjects.media import Frame, Location, Metadata, Picture, Storyboard
from subjects.message import Priority
from subjects.warning import SourceWarning

Status = Literal["waiting", "processing", "playable", "ready", "rejected", "failed"]
Visibility = Literal["public", "unlisted", "private"]
StageState = Literal["pending", "running", "done", "skipped", "failed"]
UploadState = Literal["open", "complete", "expired", "terminated"]

LOCAL_USER_ID: Final = UUID("01990000-0000-7000-8000-000000000001")
"""The one account of an installation without accounts; the migrations seed it."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A row, or part of one."""


class Rejection(Record, frozen=True, kw_only=True):
    """Why an original cannot become a video."""

    code: str
    detail: str


class StageRecord(Record, frozen=True, kw_only=True):
    """Where one stage of a video stands."""

    name: str
    state: StageState = "pending"
    attempt: int = 0
    error: str | None = None
    """Why it was skipped or failed: `code: sentence`."""


class Original(Record, frozen=True, kw_only=True):
    """The stored original of a video."""

    key: str
    size_bytes: int
    sha256: str
    content_type: str
    duplicate_of: UUID | None = None
    """The oldest other video of the same owner with the same content, if there is one."""


class Illustration(Record, frozen=True, kw_only=True):
    """The pictures of a video."""

    posters: tuple[Picture, ...]
    preview: Picture | None = None
    storyboard: Storyboard | None = None
    frames: tuple[Frame, ...] = ()


class NewVideo(Record, frozen=True, kw_only=True):
    """The intent to upload a video, as its owner said it. Ids are UUIDv7, times UTC."""

    id: UUID
    user_id: UUID
    title: str
    description: str | None = None
    visibility: Visibility = "public"
    location: Location | None = None
    recorded_at: datetime | None = None
    priority: Priority = Priority.NORMAL
    created_at: datetime


class Video(NewVideo, frozen=True, kw_only=True):
    """A video with all that is known about it. Stages are in journey order, every stage present."""

    status: Status = "waiting"
    rejection: Rejection | None = None
    updated_at: datetime
    metadata: Metadata | None = None
    original: Original | None = None
    illustration: Illustration | None = None
    package: Package | None = None
    """The newest playlists."""
    stages: tuple[StageRecord, ...] = ()
    warnings: tuple[SourceWarning, ...] = ()
    """What is wrong with the clip though it plays, in order of stage and code."""


class VideoChanges(Record, frozen=True, kw_only=True):
    """What an owner may change. UNSET leaves as it is, None clears."""

    title: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    visibility: Visibility | msgspec.UnsetType = msgspec.UNSET
    location: Location | msgspec.UnsetType | None = msgspec.UNSET


class Box(Record, frozen=True, kw_only=True):
    """A rectangle of longitudes and latitudes in degrees. `west > east` crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


class VideoQuery(Record, frozen=True, kw_only=True):
    """Which videos to list; None means any."""

    user_id: UUID | None = None
    status: Status | None = None
    box: Box | None = None
    text: str | None = None
    """Words that title or description must contain, case ignored."""


class Segment(Record, frozen=True, kw_only=True):
    """A run of an upload's bytes in staging."""

    key: str
    size_bytes: int


class NewUpload(Record, frozen=True, kw_only=True):
    """A tus upload about to exist. Partial uploads belong to no video until they are concatenated."""

    id: UUID
    user_id: UUID
    video_id: UUID | None
    length_bytes: int | None
    """None while the client defers it."""
    content_type: str
    filename: str | None = None
    sha256: str | None = None
    partial: bool = False
    created_at: datetime
    expires_at: datetime


class Upload(NewUpload, frozen=True, kw_only=True):
    """A tus upload as it stands."""

    state: UploadState = "open"
    offset_bytes: int = 0
    priority: Priority = Priority.NORMAL
    segments: tuple[Segment, ...] = ()


class ObjectInfo(Record, frozen=True, kw_only=True):
    """What object storage says of one object."""

    key: str
    size_bytes: int
    etag: str
    """Opaque, without quotes; changes when the content does."""
    modified_at: datetime


class OutboxLine(Record, frozen=True, kw_only=True):
    """A message that was promised in a transaction and is still to be said."""

    id: int
    subject: str
    headers: dict[str, str]
    body: bytes


class Answer(Record, frozen=True, kw_only=True):
    """A response that was given once and is given again to the same idempotency key."""

    status: int
    headers: dict[str, str]
    body: bytes


CLAIM_SECONDS: Final = 20.0
"""When a claim without an answer lapses: above the 15 s that a request may take at most."""


class Claim(Record, frozen=True, kw_only=True):
    """The outcome of claiming an idempotency key."""

    kind: Literal["fresh", "answered", "running", "mismatch"]
    resource_id: UUID
    """The id that the resource made under this key has on every try, so that a retry makes no second one."""
    answer: Answer | None = None
