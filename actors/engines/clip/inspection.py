"""What a ladder has to know of a clip's picture: the request and the adapter that asks a child."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import OnProgress, Sandbox

JOB: Final = "actors.engines.clip.inspection_job:inspect"


class InspectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A local file that was probed."""

    path: str
    max_picture_px: int = ProbeLimits().max_picture_px


@dataclass(frozen=True, slots=True)
class Inspector:
    """Inspects clips in the sandbox."""

    sandbox: Sandbox
    job_limits: Limits = field(default=Limits(cpu_seconds=30, wall_seconds=120.0, file_bytes=0))
    """For a small file: a larger one gets more time, in proportion."""

    async def inspect(
        self, path: Path, *, size_bytes: int, on_progress: OnProgress | None = None
    ) -> PictureFacts:
        """Read every packet of a probed clip's picture, and decode one frame.

        Safe to repeat: it writes nothing. Raises BadMedia, `no_frames` when nothing can be decoded, and
        EngineError when the child died.
        """
        limits = self.job_limits.to_read(size_bytes)
        return await self.sandbox.run(JOB, InspectRequest(path=str(path)), PictureFacts, limits, on_progress)
