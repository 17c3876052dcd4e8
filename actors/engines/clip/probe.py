"""What a clip is made of: the request, the answer, and the adapter that asks a child."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import OnProgress, Sandbox
from subjects.media import Location, Metadata

JOB: Final = "actors.engines.clip.probe_job:probe"


class ProbeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A local file and what may be accepted."""

    path: str
    size_bytes: int
    limits: ProbeLimits


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What a clip says about itself. `recorded_at` is aware and in UTC."""

    metadata: Metadata
    location: Location | None = None
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MediaProbe:
    """Probes clips in the sandbox."""

    sandbox: Sandbox
    job_limits: Limits = field(default=Limits(cpu_seconds=5, wall_seconds=30.0, file_bytes=0))
    limits: ProbeLimits = field(default=ProbeLimits())

    async def probe(self, path: Path, *, size_bytes: int, on_progress: OnProgress | None = None) -> Probe:
        """Probe a local file. Safe to repeat: it writes nothing.

        Raises BadMedia when the clip is refused, and EngineError when the child did not survive it.
        """
        request = ProbeRequest(path=str(path), size_bytes=size_bytes, limits=self.limits)
        return await self.sandbox.run(JOB, request, Probe, self.job_limits, on_progress)
