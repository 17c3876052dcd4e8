"""From the chunks of a pass to its finished renditions. Pure.

Chunks were made apart, maybe by different versions of an encoder on different machines: whether they can be
played in a row is checked here, not hoped.
"""

import posixpath
from collections import Counter
from collections.abc import Sequence

from actors.engines.cmaf.bandwidth import average_bps, peak_bps
from actors.engines.cmaf.segment_encryption import first_segment
from storage.keys import INIT_NAME
from storage.rendition_records import EncodedChunk, EncodedTrack, EncodingPlan
from subjects.media import Rendition, Rung, Timeline


class MismatchError(ValueError):
    """The chunks of a rung do not make one rendition; the text says which and why."""


def stitched(plan: EncodingPlan, chunks: Sequence[EncodedChunk]) -> tuple[Rendition, ...]:
    """Return a rendition for each rung of the plan, from all of its chunks in order. Raises MismatchError."""
    numbers = [one.chunk for one in chunks]
    if numbers != list(range(plan.timeline.chunks)):
        raise MismatchError(f"chunks {numbers} are not all {plan.timeline.chunks} of the pass")
    return tuple(_rendition(plan, rung, [_track(one, rung) for one in chunks]) for rung in plan.rungs)


def is_complete(plan: EncodingPlan, chunks: Sequence[EncodedChunk]) -> bool:
    """Whether every chunk of the pass is recorded, with or without tracks."""
    return len(chunks) == plan.timeline.chunks


def is_whole(chunks: Sequence[EncodedChunk]) -> bool:
    """Whether something could be made of every chunk."""
    return all(one.tracks for one in chunks)


def odd_chunks(plan: EncodingPlan, chunks: Sequence[EncodedChunk]) -> tuple[int, ...]:
    """Return the chunks that do not begin as most of them do; all of them when that is not what is wrong."""
    odd = set[int]()
    for rung in plan.rungs:
        heads = {one.chunk: _head(_track(one, rung)) for one in chunks}
        ((usual, _),) = Counter(heads.values()).most_common(1)
        odd |= {number for number, head in heads.items() if head != usual}
    return tuple(sorted(odd)) or tuple(one.chunk for one in chunks)


def stuck_chunks(plan: EncodingPlan, chunks: Sequence[EncodedChunk]) -> tuple[int, ...]:
    """Return the chunks that keep a pass from being finished: those without tracks, or all if they misfit."""
    if empty := tuple(one.chunk for one in chunks if not one.tracks):
        return empty
    if not plan.rungs or not is_complete(plan, chunks):
        return ()
    try:
        stitched(plan, chunks)
    except MismatchError:
        return tuple(one.chunk for one in chunks)
    return ()


def _track(chunk: EncodedChunk, rung: Rung) -> EncodedTrack:
    for track in chunk.tracks:
        if track.rendition == rung.name:
            return track
    raise MismatchError(f"chunk {chunk.chunk} lacks {rung.name}")


def _rendition(plan: EncodingPlan, rung: Rung, tracks: Sequence[EncodedTrack]) -> Rendition:
    first, timeline = tracks[0], plan.timeline
    for number, track in enumerate(tracks):
        if _head(track) != _head(first):
            raise MismatchError(f"{rung.name}: chunk {number} begins otherwise than the first one")
    segments = tuple(segment for track in tracks for segment in track.segments)
    at = 0
    for segment in segments:
        if segment.time != at:
            raise MismatchError(f"{rung.name}: a segment begins at {segment.time} instead of {at}")
        at += segment.duration
    # Exact, without a division: a frame lasts den / num seconds.
    if at * timeline.fps_num != timeline.frames * timeline.fps_den * first.timescale:
        raise MismatchError(f"{rung.name}: lasts {at} / {first.timescale} s, not {timeline.frames} frames")
    if first.key_name is not None:
        _check_numbers(rung, timeline, tracks)
    return Rendition(
        name=rung.name,
        kind="video",
        codec=rung.codec,
        codecs=first.codecs,
        width_px=rung.width_px,
        height_px=rung.height_px,
        fps=round(timeline.fps, 3),
        video_range=rung.video_range,
        key_name=first.key_name,
        bandwidth_bps=peak_bps(segments, first.timescale),
        average_bps=average_bps(segments, first.timescale),
        timescale=first.timescale,
        init_key=f"{posixpath.dirname(first.init_key)}/{INIT_NAME}",
        segments=segments,
    )


def _head(track: EncodedTrack) -> tuple[str, str, int, str, str | None]:
    """What all chunks of a rung must have in common: a player reads the first one's only."""
    return track.init_sha256, track.init_key, track.timescale, track.codecs, track.key_name


def _check_numbers(rung: Rung, timeline: Timeline, tracks: Sequence[EncodedTrack]) -> None:
    """Raise MismatchError unless segments have the numbers in the rendition that they were encrypted by."""
    before = 0
    for number, track in enumerate(tracks):
        if before != first_segment(timeline, timeline.chunk(number)[0]):
            raise MismatchError(f"{rung.name}: chunk {number} was encrypted for another place")
        before += len(track.segments)
