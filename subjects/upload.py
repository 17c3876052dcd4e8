"""What is said while bytes arrive."""

from datetime import datetime
from uuid import UUID

from subjects.message import Message, Subject


class UploadCompleted(Message, frozen=True, kw_only=True):
    """Every byte of an upload is in staging. Said by the media plane, once per upload."""

    upload_id: UUID
    segment_keys: tuple[str, ...]
    """Staging objects that make up the original, in order."""
    size_bytes: int
    content_type: str
    """What the client claimed; the uploader looks for itself."""
    filename: str | None = None
    sha256: str | None = None
    """Lower-case hex digest the client promised, if it did."""
    completed_at: datetime


class UploadExpired(Message, frozen=True, kw_only=True):
    """An upload was abandoned: its time ran out before its last byte came."""

    upload_id: UUID


COMPLETED = Subject("upload.completed", UploadCompleted, "EVENTS", "Every byte of an upload is in staging.")
EXPIRED = Subject("upload.expired", UploadExpired, "EVENTS", "An upload was abandoned by its client.")
