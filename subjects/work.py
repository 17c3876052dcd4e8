"""Orders: what exactly one actor must do, gone once it is done.

`work.<actor>.<class>.<video_id>` carries any message the actor consumes: a retry or a replayed dead letter
is the original message put there again. The header `Truthtok-Subject` says what it was.
`schedule.<actor>.…` holds what the server will say later (`Nats-Schedule`).
"""

from uuid import UUID

from subjects.message import Message, Priority, Subject

HOUSE = UUID(int=0)
"""Stands in the video's place in orders that are about no single video."""


class SweepDue(Message, frozen=True, kw_only=True):
    """It is time to look for abandoned uploads. Said by the server's own clock."""

    video_id: UUID = HOUSE


class TracesDue(Message, frozen=True, kw_only=True):
    """It is time to forget what was said of a deleted video. Said by the server's own clock."""


SWEEP = Subject("work.expirer", SweepDue, "WORK", "Look for abandoned uploads.")
TRACES = Subject("work.eraser", TracesDue, "WORK", "Forget what was said of a deleted video.")


def order_subject(actor: str, priority: Priority, video_id: UUID) -> str:
    """Return the subject on which one actor takes orders about one video."""
    return f"work.{actor}.{priority}.{video_id}"
