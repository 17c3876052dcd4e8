"""A sandbox for a whole module, and the adapters that run in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from actors.engines.clip.probe import MediaProbe, Probe, ProbeRequest
from actors.engines.clip.probe_job import probe
from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.pictures.thumbnails import IllustrateRequest, Illustration, Illustrator
from actors.engines.pictures.thumbnails_job import illustrate
from actors.engines.sandbox.sandbox import PRELOAD, Sandbox

HOSTILE_JOBS = "tests.integration.engines.hostile_jobs"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox((*PRELOAD, HOSTILE_JOBS)) as running:
        yield running


@pytest.fixture
def media_probe(sandbox: Sandbox) -> MediaProbe:
    return MediaProbe(sandbox)


@pytest.fixture
def illustrator(sandbox: Sandbox) -> Illustrator:
    return Illustrator(sandbox)


def probed(path: Path, limits: ProbeLimits | None = None) -> Probe:
    """Probe in this process: for clips that the tests made themselves."""
    request = ProbeRequest(path=str(path), size_bytes=path.stat().st_size, limits=limits or ProbeLimits())
    return probe(request, lambda fraction, note: None)


def illustrated(path: Path, out_dir: Path) -> Illustration:
    """Illustrate in this process: for clips that the tests made themselves."""
    out_dir.mkdir(exist_ok=True)
    request = IllustrateRequest(path=str(path), metadata=probed(path).metadata, out_dir=str(out_dir))
    return illustrate(request, lambda fraction, note: None)
