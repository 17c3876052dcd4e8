"""Rows to records and back: the only place that knows both shapes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from storage.identity_records import UploadQuota
from storage.journey import whole_journey
from storage.records import (
    Answer,
    Illustration,
    NewUpload,
    Original,
    OutboxLine,
    Rejection,
    Segment,
    StageRecord,
    Upload,
    Video,
)
from storage.rendition_records import Package
from subjects.codec import Envelope
from subjects.media import Location, Metadata
from subjects.message import Priority
from subjects.warning import SourceWarning

Fields = Mapping[str, Any]


def video_of(row: Fields) -> Video:
    """Return a video from a row of `find_video` or `page_videos`."""
    return Video(
        id=plain_id(row["id"]),
        user_id=plain_id(row["user_id"]),
        title=row["title"],
        description=row["description"],
        visibility=row["visibility"],
        location=_location_of(row),
        recorded_at=row["recorded_at"],
        priority=Priority(row["priority"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status=row["status"],
        rejection=_rejection_of(row),
        metadata=msgspec.convert(row["metadata"], Metadata | None),
        original=_original_of(row),
        illustration=msgspec.convert(row["pictures"], Illustration | None),
        package=package_of(row) if row["hls_key"] is not None else None,
        stages=whole_journey(msgspec.convert(row["stages"] or [], list[StageRecord])),
        warnings=msgspec.convert(row["warnings"] or [], tuple[SourceWarning, ...]),
    )


def _location_of(row: Fields) -> Location | None:
    if row["lat"] is None:
        return None
    return Location(lat=row["lat"], lng=row["lng"], source=row["location_source"])


def _rejection_of(row: Fields) -> Rejection | None:
    if row["rejection_code"] is None:
        return None
    return Rejection(code=row["rejection_code"], detail=row["rejection_detail"])


def _original_of(row: Fields) -> Original | None:
    if row["original_key"] is None:
        return None
    names = ("key", "size_bytes", "sha256", "content_type")
    return original_of(
        {name: row[f"original_{name}"] for name in names} | {"duplicate_of": row["duplicate_of"]}
    )


def original_of(row: Fields) -> Original:
    """Return an original from its columns."""
    return Original(
        key=row["key"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        content_type=row["content_type"],
        duplicate_of=plain_id(row["duplicate_of"]) if row["duplicate_of"] else None,
    )


def package_of(row: Fields) -> Package:
    """Return a package from its columns."""
    return Package(version=row["version"], hls_key=row["hls_key"], dash_key=row["dash_key"])


def upload_of(row: Fields) -> Upload:
    """Return an upload from a row of `find_upload` and its like."""
    return Upload(
        id=plain_id(row["id"]),
        user_id=plain_id(row["user_id"]),
        video_id=plain_id(row["video_id"]) if row["video_id"] else None,
        length_bytes=row["length_bytes"],
        content_type=row["content_type"],
        filename=row["filename"],
        sha256=row["sha256"],
        partial=row["partial"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        state=row["state"],
        offset_bytes=row["offset_bytes"],
        priority=Priority(row["priority"]),
        segments=msgspec.convert(row["segments"] or [], tuple[Segment, ...]),
    )


def upload_values(upload: NewUpload) -> tuple[object, ...]:
    """Return the values of `create_upload`, in its order."""
    return (
        upload.id,
        upload.user_id,
        upload.video_id,
        upload.length_bytes,
        upload.content_type,
        upload.filename,
        upload.sha256,
        upload.partial,
        upload.created_at,
        upload.expires_at,
    )


def quota_values(quota: UploadQuota | None) -> tuple[int | None, int | None]:
    """Return the limits of a day for `count_upload`; nothing twice for none."""
    return (quota.uploads, quota.size_bytes) if quota else (None, None)


def envelope_values(envelope: Envelope | None) -> tuple[object, object, object]:
    """Return subject, headers and body for the outbox; nothing three times for no message."""
    return (envelope.subject, envelope.headers, envelope.body) if envelope else (None, None, None)


def outbox_line_of(row: Fields) -> OutboxLine:
    """Return a promised message from its row."""
    return OutboxLine(id=row["id"], subject=row["subject"], headers=row["headers"], body=row["body"])


def answer_of(row: Fields) -> Answer | None:
    """Return the answer kept for an idempotency key, if one was given yet."""
    if row["status"] is None:
        return None
    return Answer(status=row["status"], headers=row["headers"], body=row["body"])


def plain_id(value: UUID) -> UUID:
    """Return the standard library's UUID for the driver's own subclass, which encoders refuse."""
    return UUID(int=value.int)
