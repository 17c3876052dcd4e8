"""work.encoder -> encoder -> work.encoder | work.packager

Encodes one chunk of a video in every rung of its pass, in a limited child process, and orders a later one;
whoever makes the last chunk of a pass asks for its playlists.
Idempotent: a chunk has fixed keys and the first record of it stands; a redelivery says again what it said.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.storing import store_files
from actors.engines.blame import blamed_on_the_clip
from actors.engines.cmaf_track import Track
from actors.engines.encode import ChunkEncoder, EncodedFrames
from actors.engines.errors import BadMedia
from actors.engines.passes import next_order, share_done
from actors.engines.sandbox import OnProgress
from actors.engines.segment_encryption import encrypt_track, first_segment
from actors.engines.tracks import encoded_track, track_files
from storage.errors import VideoGoneError
from storage.no_orphans import no_orphans
from storage.ports import Objects, Videos
from storage.rendition_records import EncodedTrack, EncodingPlan
from storage.renditions_port import Renditions
from storage.segment_keys import NO_KEYS, SegmentKeys
from storage.workspace import Workspace
from subjects import work
from subjects.stage import stage_of
from subjects.warning import warned
from subjects.work import EncodeChunk, PackageDue

logger = logging.getLogger(__name__)

STORING: Final = 0.95
"""Of the work on a chunk: it is encoded, its segments are still to be stored."""


@dataclass(frozen=True, slots=True)
class Encoder(Actor[EncodeChunk, EncodeChunk | PackageDue]):
    """Encodes chunks. One at a time: it keeps every core busy that it may use."""

    name: ClassVar = "encoder"
    consumes: ClassVar = (work.ENCODE,)
    produces: ClassVar = (work.ENCODE, work.PACKAGE)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=1)

    engine: ChunkEncoder
    objects: Objects
    videos: Videos
    renditions: Renditions
    workspace: Workspace
    segment_keys: SegmentKeys = NO_KEYS

    async def handle(self, event: EncodeChunk, ctx: Context) -> tuple[EncodeChunk | PackageDue, ...]:
        """Encode the chunk unless it is recorded, then say what follows: another one, or the playlists.

        A pass of which one chunk could not be made becomes no rendition: its other chunks are let go.
        """
        video_id, number = event.video_id, event.pass_number
        async with no_orphans(self.objects, video_id):
            await self.videos.load(video_id)
            recorded = await self.renditions.recorded_chunks(video_id, number)
            moot = event.chunk in recorded or not all(recorded.values())
            tracks = () if moot else await self._encode(event, len(recorded), ctx)
            missing = await self.renditions.record_chunk(video_id, event.chunk, tracks, number)
        following = next_order(event)
        if missing == 0:
            return (PackageDue(video_id=video_id, pass_number=number),)
        return (following,) if following is not None else ()

    async def _encode(self, event: EncodeChunk, done: int, ctx: Context) -> tuple[EncodedTrack, ...]:
        """Return the tracks of a chunk, stored; none when nothing of the clip can be decoded there."""
        plans = await self._plans(event)

        async def report(fraction: float, note: str) -> None:
            await ctx.progress(share_done(plans, event.pass_number, done + STORING * fraction), note)

        with self.workspace.folder() as out_dir:
            try:
                with blamed_on_the_clip(ctx.attempt):
                    made = await self._made(event, out_dir, report)
            except BadMedia as refused:
                logger.warning("chunk %s of %s has no pictures: %s", event.chunk, event.video_id, refused)
                return ()
            tracks = await self._encrypted(event, made, plans[event.pass_number], out_dir, report)
            files = [file for track in tracks for file in track_files(event.video_id, track, out_dir)]
            stored = share_done(plans, event.pass_number, done + STORING)
            await store_files(self.objects, files, ctx, fraction=stored, note="storing the segments")
        warnings = warned(stage_of(self.name), made.warnings)
        await self.renditions.record_warnings(event.video_id, warnings)
        return tuple(encoded_track(event.video_id, track) for track in tracks)

    async def _encrypted(
        self, event: EncodeChunk, made: EncodedFrames, plan: EncodingPlan, out_dir: Path, report: OnProgress
    ) -> list[Track]:
        """Return the tracks encrypted as the plan has it, whichever keys are the newest meanwhile."""
        keys, number = self.segment_keys, first_segment(event.timeline, event.first_frame)

        async def alive() -> None:
            await report(1.0, "encrypting the segments")

        return [
            await encrypt_track(
                event.video_id, one, out_dir, keys, plan.segment_key_name, alive=alive, first_number=number
            )
            for one in made.tracks
        ]

    async def _made(self, event: EncodeChunk, out_dir: Path, report: OnProgress) -> EncodedFrames:
        async with self.workspace.copy_of(event.key, lambda: report(0.0, "fetching")) as path:
            return await self.engine.encode(
                path,
                event.metadata,
                event.timeline,
                event.rungs,
                first_frame=event.first_frame,
                frames=event.frames,
                out_dir=out_dir,
                on_progress=report,
            )

    async def _plans(self, event: EncodeChunk) -> list[EncodingPlan]:
        """Return the plans of the video's passes, by which its progress is measured."""
        plans: list[EncodingPlan] = []
        while (plan := await self.renditions.find_plan(event.video_id, len(plans))) is not None:
            plans.append(plan)
        if len(plans) <= event.pass_number:
            raise VideoGoneError(event.video_id)
        return plans
