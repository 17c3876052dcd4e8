"""From the chunks of a pass to its finished renditions. Pure.

Chunks were made apart, maybe by different versions of an encoder on different machines: whether they can be
played in a row is checked here, not hoped.
"""

from collections.abc import Sequence

from actors.engines.bandwidth import average_bps, peak_bps
from actors.engines.segment_encryption import first_segment
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
        init_key=first.init_key,
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
