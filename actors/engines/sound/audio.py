"""The sound of a clip as renditions: the request, the answer, and the adapter that asks a child."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.cmaf.track import Track
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import OnProgress, Sandbox
from actors.engines.sound.facts import TRACKS_MAX, SoundFacts

JOB: Final = "actors.engines.sound.audio_job:encode_sound"
_CPU_SECONDS_PER_SECOND = 0.1


class SoundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A local file, how long its video is, and where to write."""

    path: str
    out_dir: str
    """An existing directory; each track gets a folder of its name in it."""
    duration_seconds: float
    """Of the output timeline: sound beyond it is not kept, and silence follows sound that ends earlier."""
    segment_seconds: float = 4.0
    tracks_max: int = TRACKS_MAX
    """How many tracks are heard, those that were copied among them."""
    copied: tuple[int, ...] = ()
    """Streams that became renditions already. Is the main one among them, the others get its loudness."""
    bitrate_bps: int = 128_000
    """Of stereo; mono gets half."""
    max_picture_px: int = ProbeLimits().max_picture_px


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """A track of sound that was made, copied or encoded."""

    facts: SoundFacts
    track: Track
    sample_rate_hz: int = 48_000
    channels: int = 2
    default: bool = True
    """Whether it is what is heard unless a viewer chooses."""
    measured_lufs: float | None = None
    """Integrated loudness of the source; None for silence, and for what was copied."""
    gain_db: float = 0.0
    warnings: tuple[str, ...] = ()


class EncodedSounds(msgspec.Struct, frozen=True, kw_only=True):
    """What was made, the main track first; nothing for a clip without sound."""

    sounds: tuple[Sound, ...] = ()
    dead: tuple[int, ...] = ()
    """Streams of which nothing could be decoded."""
    left_out: int = 0
    """How many tracks more there are than are heard."""


@dataclass(frozen=True, slots=True)
class SoundEncoder:
    """Encodes sound in the sandbox: AAC at 48 kHz, as loud as all other clips."""

    sandbox: Sandbox
    job_limits: Limits = field(default=Limits(cpu_seconds=60, wall_seconds=120.0))
    """For the shortest clip: a longer one gets more time, in proportion, and that for each track."""

    async def encode(
        self,
        path: Path,
        out_dir: Path,
        *,
        duration_seconds: float,
        segment_seconds: float = 4.0,
        copied: tuple[int, ...] = (),
        on_progress: OnProgress | None = None,
    ) -> EncodedSounds:
        """Encode what is not copied of a probed clip. Safe to repeat: it overwrites its own files.

        Raises BadMedia when the clip cannot be opened, and EngineError when the child died.
        """
        request = SoundRequest(
            path=str(path),
            out_dir=str(out_dir),
            duration_seconds=duration_seconds,
            segment_seconds=segment_seconds,
            copied=copied,
        )
        extra = duration_seconds * _CPU_SECONDS_PER_SECOND * TRACKS_MAX
        limits = self.job_limits.with_more(cpu_seconds=extra, wall_seconds=extra)
        return await self.sandbox.run(JOB, request, EncodedSounds, limits, on_progress)
