"""work.encoder -> encoder -> work.encoder | work.packager

Encodes one chunk of a video in every rung of its pass, in a limited child process, and orders a later one;
whoever makes the last chunk of a pass asks for its playlists.

A chunk that cannot be made is tried with fewer rungs at a time, and what crashes the decoder shows the
picture before it, or black (`engines/hard_chunks.py`). One whose encoder dies at the last attempt, too, is
given up: it is recorded without tracks and ends its pass, which the packager leaves out with a warning and
keeps among the dead letters. Chunks that were made stay, for whoever tries again, until the video goes.
Idempotent: a chunk has fixed keys and the first record of it stands; a redelivery says again what it said.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final
from uuid import UUID

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.storing import store_files
from actors.core.wanted import LOOK_SECONDS, while_wanted
from actors.engines.cmaf.renditions import chunk_files, encoded_track
from actors.engines.cmaf.segment_encryption import encrypt_track, first_segment
from actors.engines.cmaf.track import Track
from actors.engines.encoding.encode import ChunkEncoder, EncodedFrames
from actors.engines.errors import BadMedia, EngineError, SandboxDown
from actors.engines.ladder.hard_chunks import HardChunk
from actors.engines.ladder.passes import next_order, renditions_done, share_done
from actors.engines.sandbox.sandbox import OnProgress
from storage.errors import VideoGoneError
from storage.no_orphans import no_orphans
from storage.planned import plans_of
from storage.ports import Objects, Videos
from storage.rendition_records import EncodedTrack, EncodingPlan
from storage.renditions_port import Renditions
from storage.segment_keys import NO_KEYS, SegmentKeys
from storage.workspace import Workspace
from subjects import work
from subjects.stage import stage_of
from subjects.warning import WarningCode, warned
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
    look_seconds: float = LOOK_SECONDS

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
        """Return the tracks of a chunk, stored; none when there is nothing to be had of it."""
        plans = await self._plans(event)

        async def report(fraction: float, note: str) -> None:
            chunks = done + STORING * fraction
            rungs = renditions_done(plans, event.pass_number, chunks)
            await ctx.progress(share_done(plans, event.pass_number, chunks), note, rungs)

        with self.workspace.folder() as out_dir:
            made = await self._made_or_given_up(event, out_dir, ctx, report)
            if made is None:
                return ()
            tracks = await self._encrypted(event, made, plans[event.pass_number], out_dir, report)
            files = [file for track in tracks for file in chunk_files(event.video_id, track, out_dir)]
            if event.chunk in await self.renditions.recorded_chunks(event.video_id, event.pass_number):
                return ()  # somebody was faster: what is recorded stands, and so does what it tells of
            stored = share_done(plans, event.pass_number, done + STORING)
            await store_files(self.objects, files, ctx, fraction=stored, note="storing the segments")
        await self._warn(event.video_id, made.warnings)
        return tuple(encoded_track(event.video_id, track) for track in tracks)

    async def _made_or_given_up(
        self, event: EncodeChunk, out_dir: Path, ctx: Context, report: OnProgress
    ) -> EncodedFrames | None:
        """Return what was made; None when nothing of the clip can be decoded, or this was the last attempt.

        Raises EngineError when there are more attempts.
        """
        try:
            return await self._made(event, out_dir, ctx, report)
        except BadMedia as refused:
            logger.warning("chunk %s of %s has no pictures: %s", event.chunk, event.video_id, refused)
            await self._warn(event.video_id, (WarningCode.DAMAGED_PICTURES,))
        except SandboxDown:
            raise  # no fault of the chunk
        except EngineError as error:
            if ctx.attempt < self.delivery.max_deliver:
                raise
            logger.exception("chunk %s of %s is given up", event.chunk, event.video_id, exc_info=error)
            await self._warn(event.video_id, (WarningCode.RENDITION_MISSING,))
        return None

    async def _made(
        self, event: EncodeChunk, out_dir: Path, ctx: Context, report: OnProgress
    ) -> EncodedFrames:
        async with self.workspace.copy_of(event.key, lambda: report(0.0, "fetching")) as path:
            chunk = HardChunk(self.engine, path, event, out_dir, ctx.attempt)
            return await while_wanted(chunk.encode(report), self.videos, ctx, self.look_seconds)

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

    async def _warn(self, video_id: UUID, codes: tuple[WarningCode, ...]) -> None:
        await self.renditions.record_warnings(video_id, warned(stage_of(self.name), codes))

    async def _plans(self, event: EncodeChunk) -> tuple[EncodingPlan, ...]:
        """Return the plans of the video's passes, by which its progress is measured."""
        plans = await plans_of(self.renditions, event.video_id)
        if len(plans) <= event.pass_number:
            raise VideoGoneError(event.video_id)
        return plans
