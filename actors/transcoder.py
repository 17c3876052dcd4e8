"""video.probed -> transcoder -> work.packager | work.encoder | stage.skipped

Decides what a video is played as. A source that browsers play is cut into segments as it is, its sound
becomes a rendition, and what is to be encoded is planned in passes: first what makes the video playable.
Idempotent: the plan of the first pass is recorded last, and stands; a redelivery answers from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from uuid import UUID

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.storing import store_files
from actors.engines.cmaf_track import Track
from actors.engines.errors import BadMedia
from actors.engines.passes import BEGUN, orders_of
from actors.engines.preparation import Prepared, Preparer
from actors.engines.sandbox import OnProgress
from actors.engines.tracks import picture_rendition, sound_rendition, track_files
from storage.ports import Objects, Videos
from storage.rendition_records import EncodingPlan
from storage.renditions_port import Renditions
from storage.working_copy import no_orphans, working_copy
from subjects import stage, video, work
from subjects.media import Metadata, Rendition
from subjects.stage import StageSkipped
from subjects.video import VideoProbed
from subjects.work import EncodeChunk, PackageDue

Said = PackageDue | EncodeChunk | StageSkipped


def passes_of(prepared: Prepared, key: str) -> tuple[EncodingPlan, ...]:
    """Return what is encoded, pass by pass: nothing in the first when the source itself can be played."""
    early = ((),) if prepared.source is not None else ()
    rungs_of_passes = (*early, *prepared.ladder.passes)
    return tuple(
        EncodingPlan(key=key, timeline=prepared.ladder.timeline, rungs=rungs) for rungs in rungs_of_passes
    )


def made_of(video_id: UUID, prepared: Prepared, metadata: Metadata) -> Iterator[tuple[Track, Rendition]]:
    """Yield every rendition that is finished before anything is encoded, with what was written of it."""
    source, sound = prepared.source, prepared.sound
    if source is not None and source.video is not None:
        yield source.video, picture_rendition(video_id, source.video, metadata)
    if source is not None and source.audio is not None:
        rate_hz, channels = source.sample_rate_hz, source.channels
        yield source.audio, sound_rendition(video_id, source.audio, rate_hz, channels)
    if sound is not None and sound.track is not None:
        yield sound.track, sound_rendition(video_id, sound.track, sound.sample_rate_hz, sound.channels)


@dataclass(frozen=True, slots=True)
class Transcoder(Actor[VideoProbed, Said]):
    """Prepares a video for playing, and orders what is to be encoded."""

    name: ClassVar = "transcoder"
    consumes: ClassVar = (video.PROBED,)
    produces: ClassVar = (work.PACKAGE, work.ENCODE, stage.SKIPPED)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=2)

    engine: Preparer
    objects: Objects
    videos: Videos
    renditions: Renditions
    scratch: Path
    """Where segments are made before they are stored, and where a remote original is fetched to."""

    async def handle(self, event: VideoProbed, ctx: Context) -> tuple[Said, ...]:
        """Prepare the source once; one without a picture that can be decoded is skipped."""
        async with no_orphans(self.objects, event.video_id):
            await self.videos.load(event.video_id)
            plan = await self.renditions.find_plan(event.video_id)
            try:
                plan = plan or await self._prepare(event, ctx)
            except BadMedia as refused:
                return (
                    StageSkipped(
                        video_id=event.video_id,
                        stage=self.name,
                        reason=refused.code,
                        detail=refused.sentence,
                    ),
                )
        return orders_of(event.video_id, plan, event.metadata, 0)

    async def _prepare(self, event: VideoProbed, ctx: Context) -> EncodingPlan:
        """Store and record what can be had without encoding, then the passes: the first one last."""
        video_id = event.video_id

        async def report(fraction: float, note: str) -> None:
            await ctx.progress(BEGUN * fraction, note)

        with TemporaryDirectory(dir=self.scratch) as directory:
            out_dir = Path(directory)
            prepared = await self._prepared(event, out_dir, ctx.attempt, report)
            for track, rendition in made_of(video_id, prepared, event.metadata):
                files = track_files(video_id, track, out_dir)
                await store_files(self.objects, files, ctx, fraction=BEGUN, note="storing the segments")
                await self.renditions.record_rendition(video_id, rendition)
        plans = passes_of(prepared, event.key)
        for number, plan in reversed([*enumerate(plans)]):
            first = await self.renditions.plan(video_id, plan, number)
        return first

    async def _prepared(
        self, event: VideoProbed, out_dir: Path, attempt: int, report: OnProgress
    ) -> Prepared:
        async with working_copy(
            self.objects, event.key, self.scratch, lambda: report(0.0, "fetching")
        ) as path:
            return await self.engine.prepare(path, event.metadata, out_dir, attempt, report)
