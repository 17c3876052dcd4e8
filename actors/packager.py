"""work.packager | video.thumbnailed -> packager -> video.playable | video.transcoded | work.encoder | …

Joins the chunks of a pass to renditions, writes the playlists of all that is finished, and asks for the next
pass when there is one: so what can be played is said before the rest is encoded. A storyboard that comes
after them is written into new ones.
Idempotent: playlists of one content have one place, a version is recorded when the newest tells something
else, and the one with which the end of a pass was told is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.errors import Reject, Retry
from actors.engines.errors import SENTENCES, Refusal
from actors.engines.package_version import best_first, next_version
from actors.engines.passes import ENCODED, orders_of
from actors.engines.stitching import MismatchError, stitched
from storage.no_orphans import no_orphans
from storage.ports import Objects, Videos
from storage.records import Video
from storage.rendition_records import EncodedChunk, EncodingPlan, Package
from storage.renditions_port import Renditions
from subjects import stage, video, work
from subjects.media import Rendition
from subjects.stage import StageSkipped, stage_of
from subjects.video import VideoPlayable, VideoThumbnailed, VideoTranscoded
from subjects.work import EncodeChunk, PackageDue

Said = VideoPlayable | VideoTranscoded | EncodeChunk | PackageDue | StageSkipped

TURNS: Final = 10
"""How often a packager begins again because something else was finished, or packaged, meanwhile."""
LATER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Packaged:
    """The newest version and what it holds."""

    package: Package
    renditions: tuple[Rendition, ...]
    """Best first."""


@dataclass(frozen=True, slots=True)
class Packager(Actor[PackageDue | VideoThumbnailed, Said]):
    """Makes what is encoded playable."""

    name: ClassVar = "packager"
    consumes: ClassVar = (work.PACKAGE, video.THUMBNAILED)
    produces: ClassVar = (video.PLAYABLE, video.TRANSCODED, work.ENCODE, stage.SKIPPED)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=4)

    objects: Objects
    videos: Videos
    renditions: Renditions

    async def handle(self, event: PackageDue | VideoThumbnailed, ctx: Context) -> tuple[Said, ...]:
        """Package a pass, or a storyboard beside what can be played already.

        Raises Reject for chunks that do not fit.
        """
        async with no_orphans(self.objects, event.video_id):
            if isinstance(event, PackageDue):
                return await self._end(event.video_id, event.pass_number, ctx)
            if await self.renditions.find_package(event.video_id) is not None:
                await self._package(event.video_id, ctx)
        return ()

    async def _end(self, video_id: UUID, number: int, ctx: Context) -> tuple[Said, ...]:
        """End a pass, then say what that makes of the video."""
        known = await self.videos.load(video_id)
        plan = await self.renditions.find_plan(video_id, number)
        if plan is None or known.metadata is None:
            raise Reject("not_planned", f"pass {number} was never planned")
        await self._finish(video_id, plan, number)
        await ctx.progress(ENCODED, "writing the playlists")
        packaged = await self._package(video_id, ctx)
        if packaged is None:
            return (unplayable(video_id),)
        told = await self.renditions.announce(video_id, packaged.package.version, number)
        await self.renditions.record_playable(video_id)
        following = await self.renditions.find_plan(video_id, number + 1)
        return said(known, Packaged(told, packaged.renditions), number, following)

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

    async def _package(self, video_id: UUID, ctx: Context) -> Packaged | None:
        """Write versions until the newest holds all that is finished; None while that shows nothing.

        Several do this at once. The newest version is read before what is finished, and another is kept only
        in the very next place: so each holds whatever those before it did. After that everything is read once
        more: what was finished meanwhile is seen here, or by its own packager, which then finds this package.
        Only what is finished newly makes another turn, and that comes to an end.
        """
        for _ in range(TURNS):
            known = await self.videos.load(video_id)
            finished = best_first((await self.renditions.find(video_id)).renditions)
            if not any(one.kind == "video" for one in finished):
                return None
            package, texts = next_version(known, finished)
            if known.package is not None and known.package.hls_key == package.hls_key:
                return Packaged(known.package, finished)
            for key, text in texts.items():
                await ctx.during(self.objects.put(key, text.encode()))
            await self.renditions.record_package(video_id, package)
        raise Retry(LATER_SECONDS, f"something else was finished {TURNS} times meanwhile")


def is_whole(chunks: Sequence[EncodedChunk]) -> bool:
    """Whether something could be made of every chunk."""
    return all(one.tracks for one in chunks)


def unplayable(video_id: UUID) -> StageSkipped:
    """Return what is said when nothing could be encoded: there is the original, and nobody is held up."""
    return StageSkipped(
        video_id=video_id,
        stage=stage_of(Packager.name),
        reason=Refusal.DAMAGED,
        detail=SENTENCES[Refusal.DAMAGED],
    )


def said(known: Video, told: Packaged, number: int, following: EncodingPlan | None) -> tuple[Said, ...]:
    """Return what a packaged pass is said to be: the first makes the video playable, the last is the end."""
    hls_key, dash_key = told.package.hls_key, told.package.dash_key
    news = VideoPlayable(video_id=known.id, hls_key=hls_key, dash_key=dash_key)
    playable = (news,) if number == 0 else ()
    if following is not None and known.metadata is not None:
        return (*playable, *orders_of(known.id, following, known.metadata, number + 1))
    names = tuple(one.name for one in told.renditions)
    done = VideoTranscoded(
        video_id=known.id, hls_key=hls_key, dash_key=dash_key, renditions=names, warnings=known.warnings
    )
    return (*playable, done)
