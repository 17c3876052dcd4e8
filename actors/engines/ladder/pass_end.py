"""What the end of a pass means for its video. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actors.engines.errors import SENTENCES, Refusal
from actors.engines.ladder.passes import is_made, orders_of
from storage.records import Video
from storage.rendition_records import EncodingPlan, Package
from subjects.media import Rendition
from subjects.stage import StageSkipped
from subjects.video import VideoPlayable, VideoTranscoded
from subjects.warning import WarningCode
from subjects.work import EncodeChunk, PackageDue

STAGE: Final = "transcoder"

Said = VideoPlayable | VideoTranscoded | EncodeChunk | PackageDue | StageSkipped


@dataclass(frozen=True, slots=True)
class Packaged:
    """The newest version and what it holds."""

    package: Package
    renditions: tuple[Rendition, ...]
    """Best first."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the renditions."""
        return tuple(one.name for one in self.renditions)


def missing_passes(plans: Sequence[EncodingPlan], packaged: Packaged | None) -> tuple[int, ...]:
    """Return the passes of which something is not finished; all that encode when nothing can be played."""
    finished = packaged.names if packaged is not None else ()
    return tuple(number for number, plan in enumerate(plans) if not is_made(plan, finished))


def is_given_up(known: Video) -> bool:
    """Whether something of a video was given up that may succeed another time."""
    return any((one.stage, one.code) == (STAGE, WarningCode.RENDITION_MISSING) for one in known.warnings)


def said(
    known: Video, plans: Sequence[EncodingPlan], packaged: Packaged | None, number: int
) -> tuple[Said, ...]:
    """Return what the end of a pass is said to be.

    The first that can be played makes the video playable, the last is the end, whatever became of each: what
    was given up is ordered once more, to be kept among the dead letters until somebody wants it.
    """
    news: tuple[Said, ...] = ()
    if packaged is not None and not any(is_made(plan, packaged.names) for plan in plans[:number]):
        package = packaged.package
        news = (VideoPlayable(video_id=known.id, hls_key=package.hls_key, dash_key=package.dash_key),)
    if number + 1 < len(plans) and known.metadata is not None:
        return (*news, *orders_of(known.id, plans[number + 1], known.metadata, number + 1))
    missing = missing_passes(plans, packaged)
    again: tuple[Said, ...] = ()
    if missing and is_given_up(known):
        again = (PackageDue(video_id=known.id, pass_number=missing[0], given_up=True),)
    if packaged is None:
        return again or (unplayable(known),)
    return (*news, transcoded(known, packaged), *again)


def transcoded(known: Video, packaged: Packaged) -> VideoTranscoded:
    """Return the news that all is made that can be made."""
    return VideoTranscoded(
        video_id=known.id,
        hls_key=packaged.package.hls_key,
        dash_key=packaged.package.dash_key,
        renditions=packaged.names,
        warnings=known.warnings,
    )


def unplayable(known: Video) -> StageSkipped:
    """Return what is said when nothing could be decoded: there is the original, and nobody is held up."""
    return StageSkipped(
        video_id=known.id, stage=STAGE, reason=Refusal.DAMAGED, detail=SENTENCES[Refusal.DAMAGED]
    )
