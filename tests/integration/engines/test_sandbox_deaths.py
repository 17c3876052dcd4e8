"""What happens to forkserver and children when a process is killed, and on another event loop."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import uvloop

from actors.engines.errors import JobKilled, JobTimeout
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import Sandbox
from tests.integration.engines import hostile_jobs as jobs
from tests.integration.engines.hostile_jobs import Ask, Told

LIMITS = Limits(memory_bytes=768 << 20, cpu_seconds=20, wall_seconds=20.0)
QUICK = Limits(memory_bytes=768 << 20, cpu_seconds=1, wall_seconds=0.5)
GONE_SECONDS = 10
JOBS = ("tests.integration.engines.hostile_jobs",)
PARENT = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import Sandbox
from tests.integration.engines import hostile_jobs as jobs

async def tell(fraction, note):
    print(note, flush=True)

async def main():
    async with Sandbox(("tests.integration.engines.hostile_jobs",)) as sandbox:
        limits = Limits(wall_seconds=100.0)
        told = await sandbox.run(jobs.tell_pids, jobs.Ask(), jobs.Told, limits)
        print(told.text, flush=True)
        await sandbox.run(jobs.hang_deaf, jobs.Ask(), jobs.Told, limits, tell)

asyncio.run(main())
"""


def test_a_parent_that_is_killed_takes_forkserver_and_children_along() -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(root)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        below = [psutil.Process(int(parent.stdout.readline())) for _ in range(2)]
        os.kill(parent.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(below, timeout=GONE_SECONDS)
    assert alive == []


def test_a_forkserver_that_is_killed_takes_its_children_along() -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        server, child = (psutil.Process(int(parent.stdout.readline())) for _ in range(2))
        server.kill()
        _, alive = psutil.wait_procs([child], timeout=GONE_SECONDS)
    assert alive == []


def test_it_works_the_same_on_uvloop() -> None:
    async def scenario() -> str:
        async with Sandbox(JOBS) as own:
            with pytest.raises(JobTimeout):
                await own.run(jobs.hang_deaf, Ask(), Told, QUICK)
            with pytest.raises(JobKilled, match="SIGSEGV"):
                await own.run(jobs.crash, Ask(), Told, LIMITS)
            with pytest.raises(JobKilled, match="output"):
                await own.run(jobs.flood, Ask(), Told, LIMITS)
            return (await own.run(jobs.echo, Ask(text="uv"), Told, LIMITS)).text

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(scenario()) == "uv"
