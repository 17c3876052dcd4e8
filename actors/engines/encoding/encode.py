"""Chunks of a ladder: the request, the answer, and the adapter that asks a child."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import msgspec

from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.cmaf.track import Track
from actors.engines.ladder.encode_pace import FASTEST_PX, encoding_seconds, silent_seconds
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import OnProgress, Sandbox
from subjects.media import Metadata, Rung, Timeline
from subjects.warning import WarningCode

JOB: Final = "actors.engines.encoding.encode_job:encode"

Shown = Literal["source", "before", "black"]
"""What the pictures of a chunk are: those of the source, the last one before the chunk, or black."""

_SKIPPED_PX_PER_SECOND = 60e6
_MOST_CPU_SECONDS = 12 * 3600
"""More than the slowest preset takes for sixteen seconds of the largest pictures. What hangs is silent."""
_USUAL_SECONDS = 16
_LONGEST_CPU_SECONDS = 10 * 24 * 3600
"""Of a chunk of an hour and more: there are such where key frames lie far apart."""


class EncodeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A local file, what the probe said about it, and which output frames to encode in which rungs."""

    path: str
    out_dir: str
    """An existing directory; each rung gets a folder of its name in it."""
    metadata: Metadata
    timeline: Timeline
    rungs: tuple[Rung, ...]
    first_frame: int
    """A multiple of the timeline's `segment_frames`."""
    frames: int
    preset: str = "veryfast"
    threads: int = 0
    """Of each encoder; 0 lets it use all cores."""
    shown: Shown = "source"
    max_picture_px: int = ProbeLimits().max_picture_px


class EncodedFrames(msgspec.Struct, frozen=True, kw_only=True):
    """The tracks that were written, in the order of the rungs."""

    tracks: tuple[Track, ...]
    warnings: tuple[WarningCode, ...] = ()
    """What was wrong with the source: the pictures are the best that could be had."""


@dataclass(frozen=True, slots=True)
class ChunkEncoder:
    """Encodes chunks in the sandbox."""

    sandbox: Sandbox
    job_limits: Limits = field(
        default=Limits(memory_bytes=6 << 30, cpu_seconds=120, wall_seconds=180.0, file_bytes=256 << 20)
    )
    """What the smallest chunk may use: more pixels get more time, in proportion."""

    async def encode(
        self,
        path: Path,
        metadata: Metadata,
        timeline: Timeline,
        rungs: tuple[Rung, ...],
        *,
        first_frame: int,
        frames: int,
        out_dir: Path,
        preset: str = "veryfast",
        threads: int = 0,
        shown: Shown = "source",
        on_progress: OnProgress | None = None,
    ) -> EncodedFrames:
        """Encode output frames `first_frame` to `first_frame + frames` once in every rung.

        It may be silent for longer than an actor may: give signs of life meanwhile. Safe to repeat: it
        overwrites its own files. Raises BadMedia `no_frames` when nothing can be decoded, and EngineError
        when the child died.
        """
        request = EncodeRequest(
            path=str(path),
            out_dir=str(out_dir),
            metadata=metadata,
            timeline=timeline,
            rungs=rungs,
            first_frame=first_frame,
            frames=frames,
            preset=preset,
            threads=threads,
            shown=shown,
        )
        limits = limits_for(request, self.job_limits)
        return await self.sandbox.run(JOB, request, EncodedFrames, limits, on_progress)


def limits_for(request: EncodeRequest, least: Limits) -> Limits:
    """The limits with time for the pixels of this chunk: encoded, decoded, and skipped on the way to it.

    The codecs and the preset say how fast that goes. On one core alone all of it is time on the wall.
    """
    metadata, line = request.metadata, request.timeline
    picture_px = metadata.width_px * metadata.height_px
    decoded = metadata.fps / line.fps  # the rate of a source above 60 is halved
    seconds = encoding_seconds(request.rungs, request.preset, request.frames)
    seconds += picture_px * decoded * request.frames / FASTEST_PX
    seconds += picture_px * decoded * request.first_frame / _SKIPPED_PX_PER_SECOND
    usual = max(1.0, request.frames / line.fps / _USUAL_SECONDS)
    seconds = min(seconds, _MOST_CPU_SECONDS * usual, _LONGEST_CPU_SECONDS)
    silent = silent_seconds(request.rungs, request.preset, least.silent_seconds)
    return replace(least, silent_seconds=silent).with_more(cpu_seconds=seconds, wall_seconds=seconds)
