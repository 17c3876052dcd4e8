"""What an upload may do next: decisions without I/O, shared by the adapters and their twins."""

from collections.abc import Container, Sequence
from typing import Final
from uuid import UUID

from storage.errors import OffsetConflictError, StorageError, UploadClosedError
from storage.identity_records import UploadQuota
from storage.records import NewUpload, Segment, Upload
from subjects.codec import Envelope, derived_id, seal
from subjects.upload import UploadExpired

EXPIRED_CODE: Final = "upload_expired"
EXPIRED_DETAIL: Final = "The upload was abandoned: its time ran out before its last byte came."
CANCELLED_CODE: Final = "upload_cancelled"
CANCELLED_DETAIL: Final = "The upload was cancelled by its client. Announce the video again to upload it."
GONE: Final = "gone"
"""The state an UploadClosedError names when there is no such upload."""


def total_bytes(segments: Sequence[Segment]) -> int:
    """Return how many bytes the segments bring. Raises ValueError for an empty one: it has no place."""
    if any(segment.size_bytes <= 0 for segment in segments):
        raise ValueError("a segment holds at least one byte")
    return sum(segment.size_bytes for segment in segments)


def reserved_bytes(upload: NewUpload, quota: UploadQuota | None) -> int:
    """Return what a new upload counts for until its length is known."""
    return quota.deferred_bytes if quota is not None and upload.length_bytes is None else 0


def append_refusal(upload_id: UUID, upload: Upload | None, offset_bytes: int) -> StorageError | ValueError:
    """Return why an append was refused; the caller's own mistake is a ValueError."""
    if upload is None:
        return UploadClosedError(upload_id, GONE)
    if upload.state not in ("open", "complete"):
        return UploadClosedError(upload_id, upload.state)
    if upload.offset_bytes != offset_bytes:  # who lost a race to the last byte learns that it has arrived
        return OffsetConflictError(upload.offset_bytes, offset_bytes)
    if upload.state == "complete":
        return UploadClosedError(upload_id, upload.state)
    return ValueError(f"the segments do not fit a length of {upload.length_bytes} bytes")


def length_refusal(upload_id: UUID, upload: Upload | None, length_bytes: int) -> StorageError | ValueError:
    """Return why a length cannot be declared."""
    if upload is None or upload.state != "open" or upload.length_bytes is not None:
        return UploadClosedError(upload_id, upload.state if upload else GONE)
    return ValueError(f"{upload.offset_bytes} bytes are here already, more than {length_bytes}")


def expiry_announcement(upload: Upload, rejected: Container[UUID]) -> Envelope | None:
    """Return what is said of an abandoned upload whose video was rejected for it; None for any other.

    Nobody waits for an upload without a video, nor for one whose video has another that is good.
    """
    if upload.video_id is None or upload.video_id not in rejected:
        return None
    message_id = derived_id(str(upload.id), "expirer", 0)
    said = UploadExpired(video_id=upload.video_id, upload_id=upload.id)
    return seal(said, message_id=message_id, priority=upload.priority)
