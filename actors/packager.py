"""work.packager | video.thumbnailed -> packager -> video.playable | video.transcoded | work.encoder | …

Joins the chunks of a pass to renditions, writes the playlists of all that is finished, and asks for the next
pass when there is one: so what can be played is said before the rest is encoded. A storyboard that comes
after them is written into new ones.

A pass that cannot be finished is left out: the next one is ordered all the same, and the video is ready with
what plays and the warning `rendition_missing`. An order to try it again waits among the dead letters; only
where nothing plays does that make the video fail. Chunks that do not fit together, as when encoders of two
versions made them, are made again: first those that differ from most, then all, then the pass is left out.
Idempotent: playlists of one content have one place, a version is recorded when the newest tells something
else, and the one with which the end of a pass was told is kept. Chunks that are missing are ordered again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.errors import Reject, Retry
from actors.engines.ladder.pass_end import STAGE, Packaged, Said, is_given_up, missing_passes, said
from actors.engines.ladder.passes import orders_of, renditions_done, share_done
from actors.engines.ladder.unfinished import Passes
from actors.engines.packaging.package_version import best_first, next_version
from storage.no_orphans import no_orphans
from storage.planned import plans_of
from storage.ports import Objects, Videos
from storage.rendition_records import EncodingPlan
from storage.renditions_port import Renditions
from subjects import stage, video, work
from subjects.video import VideoThumbnailed
from subjects.warning import WarningCode
from subjects.work import PackageDue

TURNS: Final = 10
"""How often a packager begins again because something else was finished, or packaged, meanwhile."""
LATER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Packager(Actor[PackageDue | VideoThumbnailed, Said]):
    """Makes what is encoded playable."""

    name: ClassVar = "packager"
    consumes: ClassVar = (work.PACKAGE, video.THUMBNAILED)
    produces: ClassVar = (video.PLAYABLE, video.TRANSCODED, work.ENCODE, work.PACKAGE, stage.SKIPPED)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=4)

    objects: Objects
    videos: Videos
    renditions: Renditions

    async def handle(self, event: PackageDue | VideoThumbnailed, ctx: Context) -> tuple[Said, ...]:
        """Package a pass, or a storyboard beside what can be played already.

        Raises Reject for a pass that was given up, when it is heard of for the first time.
        """
        async with no_orphans(self.objects, event.video_id):
            if isinstance(event, PackageDue):
                return await self._end(event, ctx)
            if await self.renditions.find_package(event.video_id) is not None:
                await self._package(event.video_id, ctx)
        return ()

    async def _end(self, event: PackageDue, ctx: Context) -> tuple[Said, ...]:
        """End a pass, or order what is missing of it."""
        video_id, number = event.video_id, event.pass_number
        known, plans = await self.videos.load(video_id), await plans_of(self.renditions, video_id)
        if number >= len(plans) or known.metadata is None:
            await self.videos.load(video_id)  # nothing is planned of what is gone
            raise Reject("not_planned", f"pass {number} was never planned")
        passes = Passes(self.objects, self.renditions)
        if event.given_up and await passes.forget_stuck(video_id, plans, number):
            raise Reject(WarningCode.RENDITION_MISSING, "it waits until somebody wants it tried again")
        plan = plans[number]
        if plan.rungs and not await passes.finish(video_id, plan, number):
            await self.videos.load(video_id)
            return orders_of(video_id, plan, known.metadata, number)
        done = plan.timeline.chunks
        rungs = renditions_done(plans, number, done)
        await ctx.progress(share_done(plans, number, done), "writing the playlists", rungs)
        return await self._tell(video_id, plans, number, await self._package(video_id, ctx))

    async def _tell(
        self, video_id: UUID, plans: Sequence[EncodingPlan], number: int, packaged: Packaged | None
    ) -> tuple[Said, ...]:
        """Say what the end of a pass makes of the video."""
        if packaged is not None:
            told = await self.renditions.announce(video_id, packaged.package.version, number)
            packaged = Packaged(told, packaged.renditions)
            await self.renditions.record_playable(video_id)
        known = await self.videos.load(video_id)
        if is_given_up(known) and number + 1 == len(plans) and not missing_passes(plans, packaged):
            await self.renditions.withdraw_warning(video_id, STAGE, WarningCode.RENDITION_MISSING)
            known = await self.videos.load(video_id)
        return said(known, plans, packaged, number)

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
