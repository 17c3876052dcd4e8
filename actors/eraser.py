"""video.deleted -> eraser -> (work.eraser, a day later) -> eraser

Removes every object of a deleted video, and a day later what was said of it: file names, places, reasons.
Idempotent: deleting what is gone is no error, and a schedule that is said again replaces itself.

Not at once, because whoever was at work on the video needs their message until they have noticed: their next
delivery is what erases objects that they wrote late (`storage/no_orphans.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from storage.keys import video_prefix
from storage.ports import Objects
from subjects import schedule, video, work
from subjects.bus import Bus, Stored
from subjects.codec import SUBJECT, seal
from subjects.dead_letters import address_of
from subjects.message import Message, Priority
from subjects.video import VideoDeleted
from subjects.work import TracesDue

TRACES_KEPT: Final = timedelta(days=1)
"""Longer than any message is worked on, with all its deliveries."""


@dataclass(frozen=True, slots=True)
class Eraser(Actor[VideoDeleted | TracesDue, Message]):
    """Erases what a deleted video leaves behind."""

    name: ClassVar = "eraser"
    consumes: ClassVar = (video.DELETED, work.TRACES)
    clears: ClassVar = ("EVENTS", "DEAD_LETTERS")
    schedules: ClassVar = True
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=4)

    objects: Objects
    bus: Bus
    now: Callable[[], datetime]

    async def handle(self, event: VideoDeleted | TracesDue, ctx: Context) -> tuple[Message, ...]:
        """Delete what is said of the video if it is time, and everything below its prefix."""
        if isinstance(event, TracesDue):
            for stream in self.clears:
                await ctx.during(self._clear(stream, event.video_id))
        await ctx.during(self.objects.remove_prefix(video_prefix(event.video_id)))
        if isinstance(event, VideoDeleted):
            await ctx.during(self._come_back(event.video_id))
        return ()

    async def _clear(self, stream: str, video_id: UUID) -> None:
        patterns = (f"*.*.*.{video_id}", f"*.*.*.{video_id}.*")
        said = [stored async for stored in self.bus.history(stream, patterns)]
        for stored in said:
            if not tells_of_the_end(stored):
                await self.bus.remove(stream, stored.sequence)

    async def _come_back(self, video_id: UUID) -> None:
        order = seal(TracesDue(video_id=video_id), message_id="", priority=Priority.LOW)
        await schedule.at(self.bus, f"schedule.eraser.{video_id}", self.now() + TRACES_KEPT, order)


def tells_of_the_end(stored: Stored) -> bool:
    """Whether a message only says that the video is gone: that stays, dead letters of it too."""
    return stored.headers.get(SUBJECT, address_of(stored.subject).name) in (
        video.DELETED.name,
        work.TRACES.name,
    )
