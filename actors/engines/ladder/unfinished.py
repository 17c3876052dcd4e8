"""Passes that come to their end: as renditions, or to have chunks made again, or as they are."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from actors.engines.cmaf.stitching import (
    MismatchError,
    is_complete,
    is_whole,
    odd_chunks,
    stitched,
    stuck_chunks,
)
from actors.engines.ladder.pass_end import STAGE
from storage.ports import Objects
from storage.rendition_records import EncodedChunk, EncodingPlan
from storage.renditions_port import Renditions
from subjects.media import Rendition
from subjects.warning import WarningCode, warned

logger = logging.getLogger(__name__)

TIMES_AGAIN: Final = 2
"""How often chunks are made again because they do not fit together."""


@dataclass(frozen=True, slots=True)
class Passes:
    """The passes of videos, and what is kept of them. Every method is safe to repeat."""

    objects: Objects
    renditions: Renditions

    async def finish(self, video_id: UUID, plan: EncodingPlan, number: int) -> bool:
        """Keep the renditions of a pass, or none when it is left out; False when chunks are to be made."""
        chunks = await self.renditions.find_chunks(video_id, number)
        if not is_complete(plan, chunks):
            return False
        if not is_whole(chunks):
            return True
        try:
            finished = stitched(plan, chunks)
        except MismatchError as error:
            return not await self._forget_misfits(video_id, plan, number, chunks, error)
        init_keys = {track.rendition: track.init_key for track in chunks[0].tracks}
        for one in finished:
            await self._record(video_id, one, init_keys[one.name])
        return True

    async def forget_stuck(self, video_id: UUID, plans: Sequence[EncodingPlan], number: int) -> bool:
        """Forget what keeps a pass and later ones from being finished; whether there was any such chunk."""
        forgotten = False
        for later in range(number, len(plans)):
            stuck = stuck_chunks(plans[later], await self.renditions.find_chunks(video_id, later))
            if stuck:
                await self.renditions.forget_chunks(video_id, stuck, later)
                forgotten = True
        return forgotten

    async def _record(self, video_id: UUID, rendition: Rendition, init_key: str) -> None:
        """Keep a rendition, whose init segment is the one that its chunks agree on."""
        if init_key != rendition.init_key:
            await self.objects.put(rendition.init_key, await self.objects.get(init_key))
        await self.renditions.record_rendition(video_id, rendition)

    async def _forget_misfits(
        self,
        video_id: UUID,
        plan: EncodingPlan,
        number: int,
        chunks: Sequence[EncodedChunk],
        error: MismatchError,
    ) -> bool:
        """Forget the chunks that are to be made again; False when that was tried often enough."""
        times = await self.renditions.forget_chunks(video_id, (), number)
        if times >= TIMES_AGAIN:
            logger.error("pass %s of %s is given up: %s", number, video_id, error)
            warnings = warned(STAGE, (WarningCode.RENDITION_MISSING,))
            await self.renditions.record_warnings(video_id, warnings)
            return False
        logger.warning("chunks of pass %s of %s are made again: %s", number, video_id, error)
        odd = odd_chunks(plan, chunks) if times == 0 else range(plan.timeline.chunks)
        await self.renditions.forget_chunks(video_id, odd, number)
        return True
