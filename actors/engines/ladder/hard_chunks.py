"""A chunk that is hard to encode: what is tried before it is given up.

An encoder that meets a limit, or a crowded machine, is given the chunk again, and fewer rungs at a time. A
clip that crashes the decoder costs the pictures of this chunk, not the rendition: it shows the last picture
before it, and if that cannot be had, black.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actors.engines.encoding.encode import ChunkEncoder, EncodedFrames, Shown
from actors.engines.errors import JobKilled
from actors.engines.sandbox.sandbox import OnProgress
from subjects.media import Rung
from subjects.warning import WarningCode
from subjects.work import EncodeChunk

logger = logging.getLogger(__name__)

_CRASHES: Final = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"})
"""What a decoder dies of by its input; SIGKILL is what the kernel does when memory runs out."""
_WORSE: Final[tuple[Shown, ...]] = ("source", "before")
"""What is tried before black."""


def rung_groups(rungs: Sequence[Rung], attempt: int) -> tuple[tuple[Rung, ...], ...]:
    """Return which rungs are encoded at the same time: from the second attempt on in two halves."""
    half = (len(rungs) + 1) // 2
    if attempt == 1 or half == len(rungs):
        return (tuple(rungs),)
    return tuple(rungs[:half]), tuple(rungs[half:])


@dataclass(frozen=True, slots=True)
class HardChunk:
    """An order, and which attempt at it this is, from 1."""

    engine: ChunkEncoder
    path: Path
    """Of the original."""
    order: EncodeChunk
    out_dir: Path
    attempt: int

    async def encode(self, report: OnProgress) -> EncodedFrames:
        """Encode all rungs. Raises as ChunkEncoder does."""
        groups, made = rung_groups(self.order.rungs, self.attempt), list[EncodedFrames]()

        async def told(fraction: float, note: str) -> None:
            await report((len(made) + fraction) / len(groups), note)

        for rungs in groups:
            made.append(await self._encode_at_worst(rungs, told))
        return EncodedFrames(
            tracks=tuple(track for one in made for track in one.tracks),
            warnings=tuple(dict.fromkeys(code for one in made for code in one.warnings)),
        )

    async def _encode_at_worst(self, rungs: tuple[Rung, ...], report: OnProgress) -> EncodedFrames:
        """Show what can be shown: a clip that crashes twice is to blame. Raises JobKilled if nothing can."""
        order = self.order
        for shown in _WORSE:
            try:
                return await self._encode(rungs, shown, report)
            except JobKilled as death:
                if self.attempt == 1 or death.cause not in _CRASHES:
                    raise
                logger.warning("chunk %s of %s cannot show %s: %s", order.chunk, order.video_id, shown, death)
        return await self._encode(rungs, "black", report)

    async def _encode(self, rungs: tuple[Rung, ...], shown: Shown, report: OnProgress) -> EncodedFrames:
        order = self.order
        made = await self.engine.encode(
            self.path,
            order.metadata,
            order.timeline,
            rungs,
            first_frame=order.first_frame,
            frames=order.frames,
            out_dir=self.out_dir,
            preset=order.preset,
            threads=order.threads,
            shown=shown,
            on_progress=report,
        )
        damaged = () if shown == "source" else (WarningCode.DAMAGED_PICTURES,)
        return EncodedFrames(tracks=made.tracks, warnings=(*made.warnings, *damaged))
