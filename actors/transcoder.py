"""video.probed -> transcoder -> work.packager | work.encoder | stage.skipped

Decides what a video is played as. A source that browsers play is cut into segments as it is, its sound
becomes a rendition, and what is to be encoded is planned in passes: first what makes the video playable.
Idempotent: all passes are planned at once, and what is planned stands; a redelivery answers from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from msgspec.structs import replace

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.storing import store_files
from actors.core.wanted import LOOK_SECONDS, while_wanted
from actors.engines.cmaf.renditions import picture_rendition, sound_rendition, track_files
from actors.engines.cmaf.segment_encryption import encrypt_track, encrypted_rendition
from actors.engines.cmaf.track import Track
from actors.engines.errors import BadMedia
from actors.engines.ladder.passes import BEGUN, orders_of
from actors.engines.ladder.preparation import Prepared, Preparer
from actors.engines.sandbox.sandbox import OnProgress
from storage.no_orphans import no_orphans
from storage.ports import Objects, Videos
from storage.rendition_records import EncodingPlan
from storage.renditions_port import Renditions
from storage.segment_keys import NO_KEYS, SegmentKeys
from storage.workspace import Workspace
from subjects import stage, video, work
from subjects.media import Metadata, Rendition
from subjects.stage import StageSkipped
from subjects.video import VideoProbed
from subjects.warning import SourceWarning, WarningCode, warned
from subjects.work import EncodeChunk, PackageDue

Said = PackageDue | EncodeChunk | StageSkipped


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is put into encoding. Planned with the video: what is set later changes nothing of it."""

    preset: str = "veryfast"
    threads: int = 0


def passes_of(prepared: Prepared, whole: EncodingPlan) -> tuple[EncodingPlan, ...]:
    """Return what is encoded, pass by pass: nothing in the first when the source itself can be played.

    `whole` says what all of them have in common.
    """
    early = ((),) if prepared.source is not None else ()
    return tuple(replace(whole, rungs=rungs) for rungs in (*early, *prepared.ladder.passes))


def made_of(video_id: UUID, prepared: Prepared, metadata: Metadata) -> Iterator[tuple[Track, Rendition]]:
    """Yield every rendition that is finished before anything is encoded, with what was written of it."""
    source = prepared.source
    if source is not None and source.video is not None:
        yield source.video, picture_rendition(video_id, source.video, metadata)
    for sound in prepared.sounds:
        yield sound.track, sound_rendition(video_id, sound)


def warnings_of(prepared: Prepared, metadata: Metadata) -> tuple[SourceWarning, ...]:
    """Return what is wrong with the clip though it plays. Raises ValueError for an unknown code."""
    alone = metadata.hdr == "dolby_vision"  # its base layer has colours that nothing else can show
    shown = (WarningCode.DOLBY_VISION_BASE_LAYER,) if alone else ()
    return warned(Transcoder.name, (*prepared.warnings, *shown))


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
    workspace: Workspace
    segment_keys: SegmentKeys = NO_KEYS
    effort: Effort = Effort()
    look_seconds: float = LOOK_SECONDS

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
        """Store and record what can be had without encoding, then all passes."""
        video_id, key_name = event.video_id, self.segment_keys.newest_name

        async def report(fraction: float, note: str) -> None:
            await ctx.progress(BEGUN * fraction, note)

        async def alive() -> None:
            await report(1.0, "encrypting the segments")

        with self.workspace.folder() as out_dir:
            prepared = await self._prepared(event, out_dir, ctx, report)
            for plain, described in made_of(video_id, prepared, event.metadata):
                track = await encrypt_track(
                    video_id, plain, out_dir, self.segment_keys, key_name, alive=alive
                )
                files = track_files(video_id, track, out_dir)
                await store_files(self.objects, files, ctx, fraction=BEGUN, note="storing the segments")
                rendition = encrypted_rendition(video_id, described, track)
                await self.renditions.record_rendition(video_id, rendition)
        await self.renditions.record_warnings(video_id, warnings_of(prepared, event.metadata))
        whole = EncodingPlan(
            key=event.key,
            timeline=prepared.ladder.timeline,
            rungs=(),
            segment_key_name=key_name,
            preset=self.effort.preset,
            threads=self.effort.threads,
        )
        return await self.renditions.plan_all(video_id, passes_of(prepared, whole))

    async def _prepared(
        self, event: VideoProbed, out_dir: Path, ctx: Context, report: OnProgress
    ) -> Prepared:
        async with self.workspace.copy_of(event.key, lambda: report(0.0, "fetching")) as path:
            preparing = self.engine.prepare(path, event.metadata, out_dir, ctx.attempt, report)
            return await while_wanted(preparing, self.videos, ctx, self.look_seconds)
