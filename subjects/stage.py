"""What is said about one stage of a video's journey, and which stages there are."""

from dataclasses import dataclass

from msgspec import field

from subjects import video
from subjects.message import Message, Subject


class StageSkipped(Message, frozen=True, kw_only=True):
    """A stage cannot run for this video and holds nobody up. An expected outcome."""

    stage: str
    reason: str
    detail: str


class StageProgressed(Message, frozen=True, kw_only=True):
    """How far a stage is. Only the latest is kept, and it may be lost."""

    stage: str
    attempt: int
    fraction: float
    """0 (just begun) to 1."""
    note: str = ""
    renditions: dict[str, float] = field(default_factory=dict)
    """How far each rendition is, 0 to 1, by its name; empty for a stage that makes none."""


SKIPPED = Subject(
    "stage.skipped", StageSkipped, "EVENTS", "A stage cannot run for this video, and why.", facet="stage"
)
PROGRESSED = Subject(
    "stage.progressed", StageProgressed, "PROGRESS", "How far a stage is; the latest only.", facet="stage"
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the journey: the actor that does it and the fact that says it is done."""

    name: str
    done: Subject[Message]
    hands: tuple[str, ...] = ()
    """Further actors that do parts of it: their progress, end and failure are those of this stage."""


JOURNEY = (
    Stage("uploader", video.UPLOADED),
    Stage("prober", video.PROBED),
    Stage("thumbnailer", video.THUMBNAILED),
    Stage("transcoder", video.TRANSCODED, hands=("encoder", "packager")),
)
"""What must be done or skipped before a video is ready. A new stage is one line here."""


def stage_of(actor: str) -> str:
    """Return the name of the stage an actor works for: its own, unless it is a hand of another's."""
    return next((stage.name for stage in JOURNEY if actor in stage.hands), actor)
