"""video.deleted -> eraser

Removes every object of a deleted video.
Idempotent: deleting what is gone is no error.
"""

from dataclasses import dataclass
from typing import ClassVar

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from storage.keys import video_prefix
from storage.ports import Objects
from subjects import video
from subjects.message import Message
from subjects.video import VideoDeleted


@dataclass(frozen=True, slots=True)
class Eraser(Actor[VideoDeleted, Message]):
    """Erases what a deleted video leaves behind."""

    name: ClassVar = "eraser"
    consumes: ClassVar = (video.DELETED,)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=4)

    objects: Objects

    async def handle(self, event: VideoDeleted, ctx: Context) -> tuple[Message, ...]:
        """Delete everything below the video's prefix."""
        await ctx.during(self.objects.remove_prefix(video_prefix(event.video_id)))
        return ()
