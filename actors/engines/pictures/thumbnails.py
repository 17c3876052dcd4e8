"""The pictures of a clip: the request, the answer, and the adapter that asks a child."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import OnProgress, Sandbox
from subjects.media import Frame, Metadata, Picture, Storyboard

JOB: Final = "actors.engines.pictures.thumbnails_job:illustrate"


class IllustrateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A local file, what the probe said about it, and an existing empty directory to write to."""

    path: str
    metadata: Metadata
    out_dir: str
    max_picture_px: int = ProbeLimits().max_picture_px
    wanted_frames: int = 5


class Illustration(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures that were written; every key is a file name inside the directory."""

    posters: tuple[Picture, ...]
    poster_at_seconds: float
    storyboard: Storyboard
    frames: tuple[Frame, ...]
    preview: Picture | None = None


@dataclass(frozen=True, slots=True)
class Illustrator:
    """Illustrates clips in the sandbox."""

    sandbox: Sandbox
    job_limits: Limits = field(default=Limits(cpu_seconds=120, wall_seconds=120.0, file_bytes=16 << 20))

    async def illustrate(
        self, path: Path, metadata: Metadata, out_dir: Path, on_progress: OnProgress | None = None
    ) -> Illustration:
        """Make the pictures of a probed clip. Safe to repeat: it overwrites its own files.

        Raises BadMedia `no_frames` when nothing can be decoded, and EngineError when the child died.
        """
        request = IllustrateRequest(path=str(path), metadata=metadata, out_dir=str(out_dir))
        return await self.sandbox.run(JOB, request, Illustration, self.job_limits, on_progress)
