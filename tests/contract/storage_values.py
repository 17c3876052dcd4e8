"""Values that the storage contracts speak of."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from storage.bundle import Storage
from storage.records import LOCAL_USER_ID, NewUpload, NewVideo, Original, Segment
from subjects.codec import Envelope
from subjects.media import AudioTrack, Location, Metadata

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LATER = NOW + timedelta(hours=24)
OWNER = LOCAL_USER_ID
STRANGER = UUID("01990000-0000-7000-8000-000000000002")
PARIS = Location(lat=48.8566, lng=2.3522, source="user")
METADATA = Metadata(
    duration_seconds=12.0,
    format="mov,mp4",
    size_bytes=1 << 33,
    width_px=1080,
    height_px=1920,
    fps=30.0,
    codec="hevc",
    bitrate_bps=8_000_000,
    rotation_degrees=90,
    hdr="hlg",
    audio=AudioTrack(codec="aac", channels=2, sample_rate_hz=48_000),
)


def new_video(**said: Any) -> NewVideo:
    return NewVideo(**({"id": uuid4(), "user_id": OWNER, "title": "A walk", "created_at": NOW} | said))


def new_upload(video_id: UUID | None, **said: Any) -> NewUpload:
    usual = {
        "id": uuid4(),
        "user_id": OWNER,
        "video_id": video_id,
        "length_bytes": 10,
        "content_type": "video/mp4",
        "filename": "walk.mp4",
        "created_at": NOW,
        "expires_at": LATER,
    }
    return NewUpload(**(usual | said))


def new_original(content: bytes = b"clip", **said: Any) -> Original:
    usual = {
        "key": f"videos/{uuid4()}/original.mp4",
        "size_bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "content_type": "video/mp4",
    }
    return Original(**(usual | said))


def segments(*sizes_bytes: int) -> Sequence[Segment]:
    return [Segment(key=f"staging/{uuid4()}", size_bytes=size) for size in sizes_bytes]


def news(name: str = "video.deleted") -> Envelope:
    return Envelope(f"{name}.normal.{uuid4()}", b'{"a":1}', {"Nats-Msg-Id": uuid4().hex})


async def keep(storage: Storage, **said: Any) -> NewVideo:
    video = new_video(**said)
    await storage.videos.create(video, new_upload(video.id, user_id=video.user_id))
    return video


async def begin(storage: Storage, **said: Any) -> NewUpload:
    """An open upload that belongs to no video."""
    upload = new_upload(None, **said)
    await storage.uploads.create(upload)
    return upload
