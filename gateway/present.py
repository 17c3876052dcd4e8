"""A video as clients see it. Pure: from the record and what its stages say of themselves right now."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from msgspec import field

from gateway.event_text import Progress
from gateway.route import Answer
from storage import records
from subjects.media import Location, Metadata
from subjects.message import Priority
from subjects.warning import SourceWarning

STALE: Final = timedelta(seconds=60)
"""A stage that said nothing for so long does not run any more: it reports far more often."""


class Rejection(Answer, frozen=True, kw_only=True):
    """Why an original cannot become a video."""

    code: str
    detail: str


class Stage(Answer, frozen=True, kw_only=True):
    """Where one stage stands."""

    name: str
    state: records.StageState
    attempt: int
    progress: float | None
    """0 to 1 while it runs; 1 when it is done; null when it did not run to its end."""
    renditions: Mapping[str, float] = field(default_factory=dict)
    """How far each rendition is, 0 to 1 by its name, while the stage that makes them runs."""
    error: str | None


class Video(Answer, frozen=True, kw_only=True):
    """A video with all that may be told of it."""

    id: UUID
    user_id: UUID
    title: str
    description: str | None
    ai_description: str | None = None
    ai_source: str | None = None
    status: records.Status
    rejection: Rejection | None
    visibility: records.Visibility
    location: Location | None
    h3_cell: str | None
    recorded_at: datetime | None
    created_at: datetime
    updated_at: datetime
    metadata: Metadata | None
    tags: tuple[str, ...] = ()
    cluster_id: UUID | None = None
    stages: tuple[Stage, ...]
    warnings: tuple[SourceWarning, ...] = ()
    """What is wrong with the original, though it plays."""
    priority: Priority
    duplicate_of: UUID | None
    """The oldest other video of the same owner with the same content."""


class VideoPage(Answer, frozen=True, kw_only=True):
    """A page of videos, newest first."""

    data: tuple[Video, ...]
    next_cursor: str | None
    """Null on the last page."""


class Upload(Answer, frozen=True, kw_only=True):
    """Where to send the bytes."""

    protocol: Literal["tus"] = "tus"
    url: str
    """Whoever has it may upload: keep it to yourself."""
    expires_at: datetime


class CreatedVideo(Answer, frozen=True, kw_only=True):
    """A new video, waiting for its bytes."""

    video: Video
    upload: Upload


def present_video(video: records.Video, progress: Mapping[str, Progress], now: datetime) -> Video:
    """Return a video's representation; `progress` holds the latest of each stage by its name."""
    place, original = video.location, video.original
    return Video(
        id=video.id,
        user_id=video.user_id,
        title=video.title,
        description=video.description,
        status=video.status,
        rejection=present_rejection(video.rejection),
        visibility=video.visibility,
        location=place,
        h3_cell=place.h3_cell if place is not None else None,
        recorded_at=video.recorded_at,
        created_at=video.created_at,
        updated_at=video.updated_at,
        metadata=video.metadata,
        stages=tuple(present_stage(stage, progress.get(stage.name), now) for stage in video.stages),
        warnings=video.warnings,
        priority=video.priority,
        duplicate_of=original.duplicate_of if original is not None else None,
    )


def present_rejection(rejection: records.Rejection | None) -> Rejection | None:
    """Return why a video was rejected, if it was."""
    return Rejection(code=rejection.code, detail=rejection.detail) if rejection is not None else None


def present_stage(stage: records.StageRecord, progress: Progress | None, now: datetime) -> Stage:
    """Return a stage's representation: running when it is not settled and said something lately."""
    runs = progress is not None and now - progress.at < STALE and stage.state in ("pending", "running")
    if progress is not None and runs:
        return Stage(
            name=stage.name,
            state="running",
            attempt=progress.attempt,
            progress=progress.fraction,
            renditions=progress.renditions,
            error=None,
        )
    fraction = {"done": 1.0, "pending": 0.0, "running": 0.0}.get(stage.state)
    return Stage(
        name=stage.name, state=stage.state, attempt=stage.attempt, progress=fraction, error=stage.error
    )
