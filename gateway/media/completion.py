"""What an upload's end means: the message, its urgency, where its bytes lie. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from storage.keys import staging_prefix
from storage.records import NewUpload, Segment, Upload
from subjects.codec import Envelope, derived_id, seal
from subjects.message import Priority
from subjects.upload import UploadCompleted

SMALL_BYTES: Final = 64 * 1024**2
"""Up to here a video is a clip that somebody waits for; beyond, it may take its time."""


def priority_of(size_bytes: int | None) -> Priority:
    """Return how urgent a video of this size is; an unknown size is a clip until proven otherwise."""
    return Priority.LOW if size_bytes is not None and size_bytes > SMALL_BYTES else Priority.NORMAL


def completion(
    upload: NewUpload,
    segments: Sequence[Segment],
    *,
    priority: Priority,
    completed_at: datetime,
    trace: str,
) -> Envelope | None:
    """Return what is said when these are all segments of an upload; None for a partial one."""
    if upload.partial or upload.video_id is None:
        return None
    message = UploadCompleted(
        video_id=upload.video_id,
        upload_id=upload.id,
        segment_keys=tuple(segment.key for segment in segments),
        size_bytes=sum(segment.size_bytes for segment in segments),
        content_type=upload.content_type,
        filename=upload.filename,
        sha256=upload.sha256,
        completed_at=completed_at,
    )
    return seal(message, message_id=derived_id(str(upload.id), "media", 0), priority=priority, trace=trace)


def parts_of(upload: Upload) -> tuple[UUID, ...]:
    """Return the partial uploads a final one was made of, in order; empty for any other.

    Their segments moved under its name and kept their keys.
    """
    prefixes = dict.fromkeys(segment.key.rpartition("/")[0] for segment in upload.segments)
    if set(prefixes) <= {staging_prefix(upload.id)}:
        return ()
    return tuple(UUID(prefix.rpartition("/")[2]) for prefix in prefixes)
