"""How the encoding of a video is divided into orders, and how far all of it is. Pure.

A pass is a plan of its own: pass 0 is what makes the video playable, later ones add the rest. Pass 0 without
rungs is the source itself, which is not encoded at all.
"""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from storage.rendition_records import EncodingPlan
from subjects.media import Metadata
from subjects.work import EncodeChunk, PackageDue

BEGUN: Final = 0.05
"""Of the whole stage: what lies before the first chunk, looking into the source and preparing its sound."""
ENCODED: Final = 0.95
"""Of the whole stage: all chunks are there, only playlists are still to be written."""

AT_ONCE: Final = 8
"""Orders of a video that wait or are worked on at the same time, and so how many encoders one keeps busy.
Each that is done is followed by another: so videos take turns, whatever their length, and a deleted one
leaves few orders behind."""


def orders_of(
    video_id: UUID, plan: EncodingPlan, metadata: Metadata, pass_number: int
) -> tuple[EncodeChunk | PackageDue, ...]:
    """Return how a pass begins: with its first chunks, or its playlists when nothing is to be encoded."""
    if not plan.rungs:
        return (PackageDue(video_id=video_id, pass_number=pass_number),)
    return tuple(
        EncodeChunk(
            video_id=video_id,
            key=plan.key,
            metadata=metadata,
            timeline=plan.timeline,
            rungs=plan.rungs,
            chunk=number,
            first_frame=first_frame,
            frames=frames,
            pass_number=pass_number,
            preset=plan.preset,
            threads=plan.threads,
        )
        for number in range(min(AT_ONCE, plan.timeline.chunks))
        for first_frame, frames in [plan.timeline.chunk(number)]
    )


def next_order(done: EncodeChunk) -> EncodeChunk | None:
    """Return the order that follows one that is done, if there is any left to begin."""
    chunk = done.chunk + AT_ONCE
    if chunk >= done.timeline.chunks:
        return None
    first_frame, frames = done.timeline.chunk(chunk)
    return replace(done, chunk=chunk, first_frame=first_frame, frames=frames)


def share_done(plans: Sequence[EncodingPlan], pass_number: int, chunks_done: float) -> float:
    """Return how far the stage is, 0 to 1, with so many chunks of one pass done and all of those before it.

    Passes weigh as many pixels as they encode: what costs the time is the encoding, not the decoding.
    """
    weights = [sum(rung.width_px * rung.height_px for rung in plan.rungs) for plan in plans]
    before = sum(weights[:pass_number])
    now = weights[pass_number] * chunks_done / plans[pass_number].timeline.chunks
    return BEGUN + (ENCODED - BEGUN) * (before + now) / max(sum(weights), 1)


def renditions_done(plans: Sequence[EncodingPlan], pass_number: int, chunks_done: float) -> dict[str, float]:
    """Return how far each rung of the video is, 0 to 1, by its name: those of one pass go side by side."""
    now = min(chunks_done / plans[pass_number].timeline.chunks, 1.0)
    share = [1.0 if number < pass_number else now * (number == pass_number) for number in range(len(plans))]
    return {rung.name: round(share[n], 3) for n, plan in enumerate(plans) for rung in plan.rungs}


def is_made(plan: EncodingPlan, finished: Collection[str]) -> bool:
    """Whether every rung of a pass is among the finished renditions, given by name."""
    return all(rung.name in finished for rung in plan.rungs)
