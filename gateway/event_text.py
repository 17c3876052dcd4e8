"""A stored message as a client of the event stream may see it (WHATWG HTML, server-sent events). Pure.

    id: 4711
    event: video.probed
    data: {"video_id":"…","type":"video.probed","at":"…","stage":"prober","state":"done",…}

Fields are let through by name: object keys and whatever a later version adds stay inside the house.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from subjects import stage, upload, video
from subjects.bus import Stored
from subjects.codec import UndecodableError, open_message
from subjects.message import Message
from subjects.registry import subject_of
from subjects.stage import JOURNEY, StageProgressed, StageSkipped
from subjects.video import VideoFailed, VideoRejected

HEARTBEAT: Final = b": still here\n\n"
RETRY: Final = b"retry: 2000\n\n"
"""Milliseconds, as the specification has it."""
RECONNECT: Final = b": reconnect to go on\n\n"

_SHOWN: Final[dict[str, tuple[str, ...]]] = {
    upload.COMPLETED.name: ("size_bytes", "completed_at"),
    upload.EXPIRED.name: (),
    video.UPLOADED.name: ("size_bytes", "sha256", "content_type"),
    video.PROBED.name: ("metadata", "location", "recorded_at"),
    video.REJECTED.name: ("stage", "code", "detail"),
    video.THUMBNAILED.name: (),
    video.PLAYABLE.name: (),
    video.TRANSCODED.name: ("renditions",),
    video.READY.name: (),
    video.FAILED.name: ("stage", "code", "detail"),
    video.DELETED.name: (),
    stage.SKIPPED.name: ("stage", "reason", "detail"),
    stage.PROGRESSED.name: ("stage", "attempt", "fraction", "note", "renditions"),
}
_MEANS: Final[dict[str, dict[str, str]]] = {
    **{one.done.name: {"stage": one.name, "state": "done"} for one in JOURNEY},
    video.REJECTED.name: {"state": "failed", "status": "rejected"},
    video.FAILED.name: {"state": "failed", "status": "failed"},
    video.PLAYABLE.name: {"stage": "transcoder", "status": "playable"},
    video.READY.name: {"status": "ready"},
    upload.EXPIRED.name: {"status": "rejected"},
    stage.SKIPPED.name: {"state": "skipped"},
    stage.PROGRESSED.name: {"state": "running"},
}


@dataclass(frozen=True, slots=True)
class Progress:
    """The latest that a stage said about itself."""

    stage: str
    attempt: int
    fraction: float
    at: datetime
    renditions: Mapping[str, float] = field(default_factory=dict)
    """How far each rendition is, by its name."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, ready to be sent to any number of clients."""

    video_id: UUID
    text: bytes
    sequence: int | None = None
    """Place in the EVENTS stream; None for progress, which cannot be replayed."""
    last: bool = False
    """True when nothing can follow: the video is gone."""
    heard_at: float = 0.0
    """When this process heard of it, in seconds of `time.monotonic`."""


def find_message(stored: Stored) -> Message | None:
    """Return what a stored message says; None when it cannot be read."""
    try:
        return open_message(stored.subject, stored.headers, stored.body)
    except UndecodableError:
        return None


def frame_of(message: Message, stored: Stored, heard_at: float = 0.0) -> Frame:
    """Return the event that tells a client of a message."""
    name = subject_of(message).name
    sequence = None if isinstance(message, StageProgressed) else stored.sequence
    text = event_text(name, event_data(name, message, stored.stored_at), sequence)
    return Frame(message.video_id, text, sequence, last=name == video.DELETED.name, heard_at=heard_at)


def event_data(name: str, message: Message, at: datetime) -> dict[str, Any]:
    """Return what an event says: what it means for stage and status, and the message's public fields."""
    shown = {one: getattr(message, one) for one in _SHOWN.get(name, ())}
    return {"video_id": message.video_id, "type": name, "at": at, **_MEANS.get(name, {}), **shown}


def event_text(name: str, data: Any, sequence: int | None = None) -> bytes:
    """Return one event. JSON without line breaks is one `data:` line."""
    head = f"id: {sequence}\n" if sequence is not None else ""
    return b"%bevent: %b\ndata: %b\n\n" % (head.encode(), name.encode(), msgspec.json.encode(data))


def progress_of(message: StageProgressed, at: datetime, known: Progress | None = None) -> Progress:
    """Return how far a stage is after a progress message, by what was known of it.

    It never goes back unless another attempt begins: several may work on one stage at the same time, and
    each knows of what the others did only when it began.
    """
    fraction = min(max(message.fraction, 0.0), 1.0)
    if known is None or message.attempt > known.attempt:
        return Progress(message.stage, message.attempt, fraction, at, message.renditions)
    renditions = {
        name: max(known.renditions.get(name, 0.0), message.renditions.get(name, 0.0))
        for name in {**known.renditions, **message.renditions}
    }
    return Progress(
        message.stage, known.attempt, max(known.fraction, fraction), max(known.at, at), renditions
    )


def settled_stage(message: Message) -> str | None:
    """Return which stage a message says to be at its end, for now or for good; None for any other message."""
    if isinstance(message, StageSkipped | VideoFailed | VideoRejected):
        return message.stage
    return next((one.name for one in JOURNEY if type(message) is one.done.message), None)
