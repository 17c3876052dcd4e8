"""video.uploaded -> prober -> video.probed | video.rejected

Reads the header of an original and decodes one picture of it, in a limited child process.
Idempotent: one probe per video; a redelivery answers from the row.
"""

from dataclasses import dataclass
from typing import ClassVar

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.wanted import LOOK_SECONDS, while_wanted
from actors.engines.blame import blamed_on_the_clip
from actors.engines.clip.probe import MediaProbe, Probe
from actors.engines.errors import SENTENCES, BadMedia, Refusal
from storage.ports import Videos
from storage.records import Video
from storage.workspace import Workspace
from subjects import video
from subjects.video import VideoProbed, VideoRejected, VideoUploaded


def outcome(known: Video, event: VideoUploaded) -> VideoProbed | VideoRejected:
    """Return what is to be said of a video that was probed or refused. Raises ValueError for neither."""
    if known.rejection is not None:
        code, detail = known.rejection.code, known.rejection.detail
        return VideoRejected(video_id=known.id, stage=Prober.name, code=code, detail=detail)
    if known.metadata is None:
        raise ValueError(f"video {known.id} was neither probed nor refused")
    return VideoProbed(
        video_id=known.id,
        key=event.key,
        sha256=event.sha256,
        metadata=known.metadata,
        location=known.location,
        recorded_at=known.recorded_at,
    )


@dataclass(frozen=True, slots=True)
class Prober(Actor[VideoUploaded, VideoProbed | VideoRejected]):
    """Learns what an original is made of."""

    name: ClassVar = "prober"
    consumes: ClassVar = (video.UPLOADED,)
    produces: ClassVar = (video.PROBED, video.REJECTED)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=4)

    engine: MediaProbe
    videos: Videos
    workspace: Workspace
    look_seconds: float = LOOK_SECONDS

    async def handle(self, event: VideoUploaded, ctx: Context) -> tuple[VideoProbed | VideoRejected, ...]:
        """Probe the original once and keep what was learned."""
        known = await self.videos.load(event.video_id)
        if known.metadata is None and known.rejection is None:
            known = await self._learn(event, ctx)
        return (outcome(known, event),)

    async def _learn(self, event: VideoUploaded, ctx: Context) -> Video:
        try:
            with blamed_on_the_clip(ctx.attempt):
                found = await self._probe(event, ctx)
        except BadMedia as refused:
            return await self._refuse(event, refused.code)
        return await self.videos.record_probe(
            event.video_id, found.metadata, found.location, found.recorded_at
        )

    async def _probe(self, event: VideoUploaded, ctx: Context) -> Probe:
        async with self.workspace.copy_of(event.key, lambda: ctx.progress(0.0, "fetching")) as path:
            probing = self.engine.probe(path, size_bytes=event.size_bytes, on_progress=ctx.progress)
            return await while_wanted(probing, self.videos, ctx, self.look_seconds)

    async def _refuse(self, event: VideoUploaded, code: Refusal) -> Video:
        await self.videos.reject(event.video_id, self.name, code, SENTENCES[code])
        return await self.videos.load(event.video_id)
