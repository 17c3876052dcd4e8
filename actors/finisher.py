"""every stage done or skipped -> finisher -> video.ready

Says that nothing is left to do.
Idempotent: a status set twice is the same status, and the news of it has one id per cause.
"""

from dataclasses import dataclass
from typing import ClassVar

from actors.core.actor import Actor, Delivery, Facts
from actors.core.context import Context
from storage.ports import Videos
from subjects import stage, video
from subjects.stage import JOURNEY
from subjects.video import VideoReady


@dataclass(frozen=True, slots=True)
class Finisher(Actor[Facts, VideoReady]):
    """Joins the outcomes of the whole journey."""

    name: ClassVar = "finisher"
    joins: ClassVar = tuple((step.done, stage.SKIPPED.at(step.name)) for step in JOURNEY)
    produces: ClassVar = (video.READY,)
    delivery: ClassVar = Delivery(ack_wait=5.0, concurrency=16)

    videos: Videos

    async def handle(self, event: Facts, ctx: Context) -> tuple[VideoReady, ...]:
        """Make the video ready, then say so."""
        await self.videos.finish(event.video_id)
        return (VideoReady(video_id=event.video_id),)
