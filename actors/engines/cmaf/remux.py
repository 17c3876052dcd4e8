"""A source packaged as it is: the request, the answer, and the adapter that asks a child."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.cmaf.track import Track
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import OnProgress, Sandbox
from actors.engines.sound.audio import Sound
from actors.engines.sound.facts import TRACKS_MAX

JOB: Final = "actors.engines.cmaf.remux_job:remux"


class RemuxRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A local file with H.264 pictures, and where to write."""

    path: str
    out_dir: str
    """An existing directory; each track gets a folder of its name in it."""
    longest_segment_seconds: float = 4.0
    shortest_segment_seconds: float = 2.0
    longest_gop_seconds: float = 10.0
    """A source whose key frames lie farther apart is not fit to be played as it is."""
    video_rendition: str = "original"
    audio_rendition: str = "audio-original"
    """Of the main track; the others are counted."""
    tracks_max: int = TRACKS_MAX
    duration_seconds: float
    """Of the output: sound beyond it is not kept."""
    check_cpu_seconds: float = 3.0
    """How long to look for damaged pictures; a clip that takes longer to decode is looked at in parts."""
    max_picture_px: int = ProbeLimits().max_picture_px


class Remuxed(msgspec.Struct, frozen=True, kw_only=True):
    """What was packaged. When `unfit` says why not, nothing of it may be used: encode instead."""

    video: Track | None = None
    sounds: tuple[Sound, ...] = ()
    """The main track first; the others may lack. Nothing when the main one is not whole AAC-LC: then all have
    to be encoded, so that they sound alike."""
    frames: int = 0
    unfit: str = ""


@dataclass(frozen=True, slots=True)
class Remuxer:
    """Packages sources in the sandbox."""

    sandbox: Sandbox
    job_limits: Limits = field(
        default=Limits(memory_bytes=2 << 30, cpu_seconds=30, wall_seconds=120.0, file_bytes=512 << 20)
    )
    """For a small file: a larger one gets more time, in proportion."""

    async def remux(
        self,
        path: Path,
        out_dir: Path,
        *,
        duration_seconds: float,
        size_bytes: int,
        on_progress: OnProgress | None = None,
    ) -> Remuxed:
        """Package a probed clip without encoding a picture. Safe to repeat: it overwrites its own files.

        Raises BadMedia when the clip cannot be opened, and EngineError when the child died.
        """
        request = RemuxRequest(path=str(path), out_dir=str(out_dir), duration_seconds=duration_seconds)
        limits = self.job_limits.to_read(size_bytes)
        return await self.sandbox.run(JOB, request, Remuxed, limits, on_progress)
