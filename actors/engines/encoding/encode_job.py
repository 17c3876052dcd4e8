"""The job of the encoder: one decode, many encoders, segments on disk. Runs in the child."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.video.frame import VideoFrame

from actors.engines.clip.orientation import Orientation
from actors.engines.clip.source_frames import Beginning, SourceFrames
from actors.engines.cmaf.track import Track
from actors.engines.encoding.encode import EncodedFrames, EncodeRequest
from actors.engines.encoding.frame_grid import place_on_grid, shown
from actors.engines.encoding.ladder_filter import LadderFilter, source_color
from actors.engines.encoding.mastering import mastering_of
from actors.engines.encoding.picture_color import HIGH_RANGES
from actors.engines.encoding.rung_encoder import RungEncoder
from actors.engines.errors import BadMedia, Refusal
from actors.engines.sandbox.job_wire import Report
from subjects.media import Rung
from subjects.warning import WarningCode

_DECODED, _FLUSHED = 0.9, 0.1
_UNEXPECTED_END_SECONDS = 1.0
_SELDOM_SECONDS, _SELDOM_SHARE = 2.0, 1 / 1000
"""A report takes 50 bytes: every two seconds, days of them are within what a child may answer."""


def encode(request: EncodeRequest, report: Report) -> EncodedFrames:
    """Encode a run of output frames. Raises BadMedia, `no_frames` when nothing can be decoded."""
    report = seldom(report, request.frames / request.timeline.fps)
    report(0.0, "opening the clip")
    source = SourceFrames(
        Path(request.path), request.max_picture_px, lambda _: report(0.0, "looking for the chunk")
    )
    beginning = source.beginning()
    with ExitStack() as stack:
        rungs = [stack.enter_context(one) for one in _encoders(request, beginning)]
        filters = _filters(request, beginning)
        made = 0
        for number, frame in _frames(request, source, beginning):
            _report_frame(request, made, report, source)
            for rung, picture in zip(rungs, filters.pictures(frame, number), strict=True):
                rung.encode(picture)
            made += 1
        if made == 0:
            raise BadMedia(Refusal.NO_FRAMES, f"nothing from frame {request.first_frame} on")
        made_of = {track.rendition: track for track in _finished(request, rungs, report)}
        tracks = tuple(made_of[rung.name] for rung in request.rungs)
    return EncodedFrames(tracks=tracks, warnings=_warnings(request, source))


def seldom(report: Report, chunk_seconds: float, now: Callable[[], float] = time.monotonic) -> Report:
    """Return a report that passes on what comes a while after the last: all that a job may say is bounded.

    That while grows with the chunk, up to a fraction of the silence that is borne.
    """
    every, next_at = min(_SELDOM_SECONDS, chunk_seconds * _SELDOM_SHARE), -math.inf

    def told(fraction: float, note: str) -> None:
        nonlocal next_at
        if now() >= next_at:
            next_at = now() + every
            report(fraction, note)

    return told


def _frames(
    request: EncodeRequest, source: SourceFrames, beginning: Beginning
) -> Iterator[tuple[int, VideoFrame]]:
    """The output frames of this chunk. One beyond the last frame of the source shows the last."""
    first, count = request.first_frame, request.frames
    if request.shown == "black":
        return shown([(first, black_like(beginning.frame))], first, count)
    fps = Fraction(request.timeline.fps_num, request.timeline.fps_den)
    timed = source.since(first / fps, beginning)
    placed = ((place_on_grid(at, fps), frame) for at, frame in timed)
    if request.shown == "before":
        return shown([(first, _last_before(first, placed) or beginning.frame)], first, count)
    return shown(placed, first, count)


def _last_before(first: int, placed: Iterator[tuple[int, VideoFrame]]) -> VideoFrame | None:
    """The picture that is shown before an output frame; nothing that comes later is asked for."""
    last = None
    for place, frame in placed:
        if place >= first:
            break
        last = frame
        if place == first - 1:
            break
    return last


def black_like(frame: VideoFrame) -> VideoFrame:
    """A black picture of the same size, 8 bits 4:2:0 of limited range."""
    black = VideoFrame(frame.width, frame.height, "yuv420p")
    planes: Any = black.planes
    for plane, value in zip(planes, (16, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return black


def _warnings(request: EncodeRequest, source: SourceFrames) -> tuple[WarningCode, ...]:
    """What was wrong with the source in this chunk."""
    end_seconds = (request.first_frame + request.frames) / request.timeline.fps
    if source.ended_seconds is None or end_seconds - source.ended_seconds < _UNEXPECTED_END_SECONDS:
        return source.damage.warnings
    return (*source.damage.warnings, WarningCode.TRUNCATED)


def in_filter_order(rungs: Sequence[Rung]) -> list[Rung]:
    """Return those of standard range first, each from the largest to the smallest, whatever their codecs.

    A rung is scaled from the one before: after a small one of another codec a large one would be blurred.
    """
    return sorted(rungs, key=lambda rung: (rung.video_range != "SDR", -rung.width_px * rung.height_px))


def _encoders(request: EncodeRequest, beginning: Beginning) -> list[RungEncoder]:
    color, mastering = source_color(beginning.frame).encoded, mastering_of(beginning.frame)
    return [
        RungEncoder(
            rung,
            request.timeline,
            request.first_frame,
            Path(request.out_dir),
            HIGH_RANGES.get(rung.video_range, color),
            request.preset,
            request.threads,
            mastering,
        )
        for rung in in_filter_order(request.rungs)
    ]


def _filters(request: EncodeRequest, beginning: Beginning) -> LadderFilter:
    rungs = in_filter_order(request.rungs)
    return LadderFilter(
        sizes=[(rung.width_px, rung.height_px) for rung in rungs if rung.video_range == "SDR"],
        deep_sizes=[(rung.width_px, rung.height_px) for rung in rungs if rung.video_range != "SDR"],
        orientation=Orientation(request.metadata.rotation_degrees, request.metadata.mirrored),
        color=source_color(beginning.frame).encoded,
        scratch=Path(request.out_dir),
    )


def _report_frame(request: EncodeRequest, made: int, report: Report, source: SourceFrames) -> None:
    fraction = _DECODED * made / request.frames
    report(fraction, "encoding")
    source.tick = lambda _: report(fraction, "encoding")


def _finished(request: EncodeRequest, rungs: list[RungEncoder], report: Report) -> tuple[Track, ...]:
    tracks: list[Track] = []
    for rung in rungs:
        track = rung.finish(lambda: report(_DECODED + _FLUSHED * len(tracks) / len(rungs), "finishing"))
        if rung.frames != request.frames:
            raise RuntimeError(f"{rung.rung.name} has {rung.frames} frames instead of {request.frames}")
        tracks.append(track)
    return tuple(tracks)
