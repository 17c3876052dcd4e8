"""work.packager -> packager -> video.playable | video.transcoded | work.encoder | stage.skipped

Joins the chunks of a pass to renditions, writes the playlists of all that is finished, and asks for the next
pass when there is one: so what can be played is said before the rest is encoded.
Idempotent: each pass has a version of playlists under keys of its own; the first that was recorded stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.errors import Reject
from actors.engines.errors import SENTENCES, Refusal
from actors.engines.packaging import MANIFEST, MASTER, package_texts
from actors.engines.passes import ENCODED, orders_of
from actors.engines.presentation import Presentation
from actors.engines.stitching import MismatchError, stitched
from storage.keys import package_folder
from storage.ports import Objects, Videos
from storage.rendition_records import EncodedChunk, EncodingPlan, Package
from storage.renditions_port import Renditions
from storage.working_copy import no_orphans
from subjects import stage, video, work
from subjects.media import Metadata, Rendition
from subjects.stage import StageSkipped, stage_of
from subjects.video import VideoPlayable, VideoTranscoded
from subjects.work import EncodeChunk, PackageDue

Said = VideoPlayable | VideoTranscoded | EncodeChunk | PackageDue | StageSkipped


def package_of(video_id: UUID, pass_number: int) -> Package:
    """Return where the playlists of a pass lie: its version is one more than its number."""
    folder = package_folder(video_id, pass_number + 1)
    return Package(version=pass_number + 1, hls_key=f"{folder}/{MASTER}", dash_key=f"{folder}/{MANIFEST}")


def best_first(renditions: Sequence[Rendition]) -> tuple[Rendition, ...]:
    """Return the renditions from the largest picture to the smallest, sound last."""

    def rank(one: Rendition) -> tuple[bool, int, int]:
        return one.kind == "audio", -(one.width_px or 0) * (one.height_px or 0), -one.bandwidth_bps

    return tuple(sorted(renditions, key=rank))


@dataclass(frozen=True, slots=True)
class Packager(Actor[PackageDue, Said]):
    """Makes what is encoded playable."""

    name: ClassVar = "packager"
    consumes: ClassVar = (work.PACKAGE,)
    produces: ClassVar = (video.PLAYABLE, video.TRANSCODED, work.ENCODE, stage.SKIPPED)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=4)

    objects: Objects
    videos: Videos
    renditions: Renditions

    async def handle(self, event: PackageDue, ctx: Context) -> tuple[Said, ...]:
        """Package a pass, then say what that makes of the video. Raises Reject for chunks that do not fit."""
        video_id, number = event.video_id, event.pass_number
        async with no_orphans(self.objects, video_id):
            known = await self.videos.load(video_id)
            plan = await self.renditions.find_plan(video_id, number)
            if plan is None or known.metadata is None:
                raise Reject("not_planned", f"pass {number} was never planned")
            await self._finish(video_id, plan, number)
            following = await self.renditions.find_plan(video_id, number + 1)
            offered = await self._offered(video_id, following)
            if any(one.kind == "video" for one in offered):
                await self._package(video_id, number, offered, ctx)
                await self.renditions.record_playable(video_id)
        return said(video_id, number, offered, following, known.metadata)

    async def _finish(self, video_id: UUID, plan: EncodingPlan, number: int) -> None:
        """Keep the renditions of a pass, or none of them when there is a chunk nothing could be made of."""
        chunks = await self.renditions.find_chunks(video_id, number) if plan.rungs else ()
        if not is_whole(chunks):
            return
        try:
            finished = stitched(plan, chunks) if plan.rungs else ()
        except MismatchError as error:
            raise Reject("chunks_do_not_fit", str(error)) from error
        for one in finished:
            await self.renditions.record_rendition(video_id, one)

    async def _offered(self, video_id: UUID, following: EncodingPlan | None) -> tuple[Rendition, ...]:
        """Return what is finished, without what a later pass may have added meanwhile."""
        later = {rung.name for rung in following.rungs} if following is not None else set()
        known = await self.renditions.find(video_id)
        return best_first([one for one in known.renditions if one.name not in later])

    async def _package(
        self, video_id: UUID, number: int, offered: tuple[Rendition, ...], ctx: Context
    ) -> None:
        """Write the playlists unless this version stands already: they are immutable once recorded."""
        package = package_of(video_id, number)
        standing = await self.renditions.find_package(video_id)
        if standing is not None and standing.version >= package.version:
            return
        folder = package_folder(video_id, package.version)
        for key, text in package_texts(Presentation(folder=folder, renditions=offered)).items():
            await ctx.during(self.objects.put(key, text.encode()))
            await ctx.progress(ENCODED, "writing the playlists")
        await self.renditions.record_package(video_id, package)


def is_whole(chunks: Sequence[EncodedChunk]) -> bool:
    """Whether something could be made of every chunk."""
    return all(one.tracks for one in chunks)


def said(
    video_id: UUID,
    number: int,
    offered: tuple[Rendition, ...],
    following: EncodingPlan | None,
    metadata: Metadata,
) -> tuple[Said, ...]:
    """Return what a packaged pass is said to be: the first makes the video playable, the last is the end.

    A video nothing of which could be encoded has its original to download, and holds nobody up.
    """
    if not any(one.kind == "video" for one in offered):
        return (
            StageSkipped(
                video_id=video_id,
                stage=stage_of(Packager.name),
                reason=Refusal.DAMAGED,
                detail=SENTENCES[Refusal.DAMAGED],
            ),
        )
    package = package_of(video_id, number)
    hls_key, dash_key = package.hls_key, package.dash_key
    news = VideoPlayable(video_id=video_id, hls_key=hls_key, dash_key=dash_key)
    playable = (news,) if number == 0 else ()
    if following is not None:
        return (*playable, *orders_of(video_id, following, metadata, number + 1))
    names = tuple(one.name for one in offered)
    return (
        *playable,
        VideoTranscoded(video_id=video_id, hls_key=hls_key, dash_key=dash_key, renditions=names),
    )
