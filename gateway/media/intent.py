"""A new upload and the video it is for, out of what a tus client claims. Pure but for the ids."""

from datetime import datetime, timedelta
from uuid import UUID

from gateway.config import GatewayConfig
from gateway.media.metadata import Claims
from gateway.urgency import priority_of
from storage.records import NewUpload, NewVideo
from subjects.ids import new_id


def new_upload(
    config: GatewayConfig, user_id: UUID, claims: Claims, length_bytes: int | None, now: datetime
) -> NewUpload:
    """Return the upload of a new video that a user is about to bring."""
    return NewUpload(
        id=new_id(now),
        user_id=user_id,
        video_id=new_id(now),
        length_bytes=length_bytes,
        content_type=claims.content_type,
        filename=claims.filename,
        sha256=claims.sha256,
        created_at=now,
        expires_at=now + timedelta(seconds=config.upload_ttl_seconds),
    )


def new_video(video_id: UUID, upload: NewUpload, claims: Claims) -> NewVideo:
    """Return the intent that goes with an upload."""
    return NewVideo(
        id=video_id,
        user_id=upload.user_id,
        title=claims.title,
        priority=priority_of(upload.length_bytes),
        created_at=upload.created_at,
    )
