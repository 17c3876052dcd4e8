"""account.closed -> forgetter -> (video.deleted, by way of the outbox)

Removes what somebody made who left: their videos, and the uploads that never became one.
Idempotent: a video is removed in the transaction that promises the news, so what is still there is what is
still to do. Were the news returned instead, a crash in between would leave objects that nobody erases: the
next delivery no longer finds the video that it would have to speak of.
"""

from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from storage.errors import VideoGoneError
from storage.identity_ports import Departures
from storage.ports import Videos
from storage.removal import removal_announcement
from subjects import account
from subjects.account import AccountClosed
from subjects.message import Message

BATCH: Final = 100
"""Videos listed at once."""


@dataclass(frozen=True, slots=True)
class Forgetter(Actor[AccountClosed, Message]):
    """Removes what belongs to a closed account."""

    name: ClassVar = "forgetter"
    consumes: ClassVar = (account.CLOSED,)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=2)

    departures: Departures
    videos: Videos

    async def handle(self, event: AccountClosed, ctx: Context) -> tuple[Message, ...]:
        """Remove until nothing is left. An account that is not closed keeps everything."""
        await ctx.during(self.departures.terminate_uploads(event.user_id))
        while video_ids := await ctx.during(self.departures.videos_of_closed(event.user_id, BATCH)):
            for video_id in video_ids:
                await ctx.during(self._remove(video_id, event.user_id))
        return ()

    async def _remove(self, video_id: UUID, owner_id: UUID) -> None:
        try:
            video = await self.videos.load(video_id)
        except VideoGoneError:
            return  # removed since it was listed; the others are still to be
        await self.videos.remove(video_id, owner_id, removal_announcement(video))
