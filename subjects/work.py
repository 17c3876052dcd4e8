"""Orders: what exactly one actor must do, gone once it is done.

`work.<actor>.<class>.<video_id>` carries any message the actor consumes: a retry or a replayed dead letter
is the original message put there again. The header `Truthtok-Subject` says what it was.
`schedule.<actor>.…` holds what the server will say later (`Nats-Schedule`).
"""

from uuid import UUID

from subjects.media import Metadata, Rung, Timeline
from subjects.message import Message, Priority, Subject

HOUSE = UUID(int=0)
"""Stands in the video's place in orders that are about no single video."""

QUICK_PX = 120 * 30 * 640 * 360
"""Pixels of a first pass that somebody waits for: two minutes at the size that is made first."""


class SweepDue(Message, frozen=True, kw_only=True):
    """It is time to look for abandoned uploads. Said by the server's own clock."""

    video_id: UUID = HOUSE


class TracesDue(Message, frozen=True, kw_only=True):
    """It is time to forget what was said of a deleted video. Said by the server's own clock."""


class EncodeChunk(Message, frozen=True, kw_only=True):
    """A run of output frames is to be encoded in every rung of the pass: one decode, many encoders."""

    key: str
    """Of the original."""
    metadata: Metadata
    timeline: Timeline
    rungs: tuple[Rung, ...]
    chunk: int
    first_frame: int
    """Of the output timeline, as `frames` counts."""
    frames: int
    pass_number: int = 0
    """Which plan of the video this belongs to: what is wanted first is a pass of its own."""
    preset: str = "veryfast"
    """As planned, whatever the settings of whoever takes the order: chunks must fit together."""
    threads: int = 0

    def urgency(self, cause: Priority) -> Priority:
        """Return a low class for what only adds sizes, or keeps encoders busy for long.

        So whoever uploads a clip can soon play it, however much is to be encoded of others.
        """
        whole_px = self.timeline.frames * sum(rung.width_px * rung.height_px for rung in self.rungs)
        may_wait = self.pass_number > 0 or whole_px > QUICK_PX
        return Priority.LOW if may_wait and cause is Priority.NORMAL else cause


class PackageDue(Message, frozen=True, kw_only=True):
    """Every chunk of a pass is there: playlists of all that is finished are to be written."""

    pass_number: int = 0
    given_up: bool = False
    """The video was ended without this pass. Waits among the dead letters until it is to be tried again."""


SWEEP = Subject("work.expirer", SweepDue, "WORK", "Look for abandoned uploads.")
TRACES = Subject("work.eraser", TracesDue, "WORK", "Forget what was said of a deleted video.")
ENCODE = Subject("work.encoder", EncodeChunk, "WORK", "Encode a run of frames in every rung.")
PACKAGE = Subject("work.packager", PackageDue, "WORK", "Write the playlists of what is encoded.")


def order_subject(actor: str, priority: Priority, video_id: UUID) -> str:
    """Return the subject on which one actor takes orders about one video."""
    return f"work.{actor}.{priority}.{video_id}"
