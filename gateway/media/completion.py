"""What an upload's end means: the message, and where its bytes lie. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from storage.keys import staging_prefix
from storage.records import NewUpload, Segment, Upload
from subjects.codec import Envelope, derived_id, seal
from subjects.message import Priority
from subjects.upload import UploadCompleted


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
