"""The sound of a clip as a rendition: the request, the answer, and the adapter that asks a child."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from actors.engines.cmaf_track import Track
from actors.engines.job_wire import Limits
from actors.engines.probe_limits import ProbeLimits
from actors.engines.sandbox import OnProgress, Sandbox

JOB: Final = "actors.engines.audio_job:encode_sound"
_CPU_SECONDS_PER_SECOND = 0.1


class SoundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A local file, how long its video is, and where to write."""

    path: str
    out_dir: str
    """An existing directory; the track gets a folder of its name in it."""
    duration_seconds: float
    """Of the output timeline: sound beyond it is not kept."""
    segment_seconds: float = 4.0
    rendition: str = "audio-aac"
    bitrate_bps: int = 128_000
    """Of stereo; mono gets half."""
    max_picture_px: int = ProbeLimits().max_picture_px


class EncodedSound(msgspec.Struct, frozen=True, kw_only=True):
    """What was made; `track` is None for a clip without sound."""

    track: Track | None = None
    sample_rate_hz: int = 48_000
    channels: int = 2
    measured_lufs: float | None = None
    """Integrated loudness of the source; None for silence."""
    gain_db: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SoundEncoder:
    """Encodes sound in the sandbox: AAC at 48 kHz, as loud as all other clips."""

    sandbox: Sandbox
    job_limits: Limits = field(default=Limits(cpu_seconds=60, wall_seconds=120.0))
    """For the shortest clip: a longer one gets more time, in proportion."""

    async def encode(
        self,
        path: Path,
        out_dir: Path,
        *,
        duration_seconds: float,
        segment_seconds: float = 4.0,
        on_progress: OnProgress | None = None,
    ) -> EncodedSound:
        """Encode the default track of a probed clip. Safe to repeat: it overwrites its own files.

        Raises BadMedia when the clip cannot be opened, and EngineError when the child died.
        """
        request = SoundRequest(
            path=str(path),
            out_dir=str(out_dir),
            duration_seconds=duration_seconds,
            segment_seconds=segment_seconds,
        )
        extra = duration_seconds * _CPU_SECONDS_PER_SECOND
        limits = replace(
            self.job_limits,
            cpu_seconds=self.job_limits.cpu_seconds + round(extra),
            wall_seconds=self.job_limits.wall_seconds + extra,
        )
        return await self.sandbox.run(JOB, request, EncodedSound, limits, on_progress)
