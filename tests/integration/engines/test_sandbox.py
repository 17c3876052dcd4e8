import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from actors.engines.errors import (
    BadMedia,
    EngineError,
    JobFailed,
    JobKilled,
    JobTimeout,
    Refusal,
    SandboxDown,
)
from actors.engines.sandbox.capabilities import READING
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import Sandbox
from tests.integration.engines import hostile_jobs as jobs
from tests.integration.engines.hostile_jobs import Ask, Told

pytestmark = pytest.mark.asyncio(loop_scope="module")

Job = Callable[[Ask, jobs.Report], Told]
LIMITS = Limits(memory_bytes=768 << 20, cpu_seconds=20, wall_seconds=20.0, file_bytes=1 << 20)
QUICK = Limits(memory_bytes=768 << 20, cpu_seconds=1, wall_seconds=0.5)
JOBS = ("tests.integration.engines.hostile_jobs",)


async def pids(sandbox: Sandbox) -> tuple[psutil.Process, int]:
    """The forkserver and a child that has just ended."""
    told = await sandbox.run(jobs.tell_pids, Ask(), Told, LIMITS)
    return psutil.Process(int(told.text)), told.number


async def test_a_job_gets_its_request_and_returns_its_result(sandbox: Sandbox) -> None:
    told = await sandbox.run(jobs.echo, Ask(text="é", number=-3), Told, LIMITS)
    assert told == Told("é", -3)


async def test_many_jobs_run_at_the_same_time(sandbox: Sandbox) -> None:
    asked = [sandbox.run(jobs.echo, Ask(number=number), Told, LIMITS) for number in range(20)]
    assert [told.number for told in await asyncio.gather(*asked)] == list(range(20))


async def test_progress_reaches_the_caller_within_bounds(sandbox: Sandbox) -> None:
    heard: list[tuple[float, int]] = []

    async def hear(fraction: float, note: str) -> None:
        heard.append((fraction, len(note)))

    await sandbox.run(jobs.report_twice, Ask(), Told, LIMITS, hear)
    assert heard == [(0.25, 7), (1.0, 8000)]


async def test_a_caller_that_fails_on_progress_ends_the_job(sandbox: Sandbox) -> None:
    child: list[int] = []

    async def refuse(_fraction: float, note: str) -> None:
        child.append(int(note))
        raise LookupError("the caller has changed its mind")

    with pytest.raises(LookupError):
        await sandbox.run(jobs.hang, Ask(), Told, LIMITS, refuse)
    assert not psutil.pid_exists(child[0])


async def test_a_job_sees_no_environment_and_no_descriptor_of_ours(sandbox: Sandbox) -> None:
    told = await sandbox.run(jobs.tell_surroundings, Ask(), Told, LIMITS)
    assert told.text.startswith("['MALLOC_ARENA_MAX', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS']|")
    assert "0=/dev/null', '1=/dev/null', '2=/dev/null', '3=socket:" in told.text


async def test_a_job_runs_under_its_limits(sandbox: Sandbox) -> None:
    told = await sandbox.run(jobs.tell_limits, Ask(), Told, LIMITS)
    assert told.text == str([768 << 20, 20, 1 << 20, 64, 0])


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
async def test_a_job_of_root_may_only_read_more_than_others_and_gets_no_real_time(sandbox: Sandbox) -> None:
    told = await sandbox.run(jobs.tell_privileges, Ask(), Told, LIMITS)
    effective, bounding = (int(held, 16) for held in told.text.split())
    assert effective & ~READING == 0
    assert os.geteuid() != 0 or bounding & ~READING == 0
    assert told.number == os.SCHED_OTHER


async def test_a_refusal_is_bad_media_with_its_code_and_a_bounded_detail(sandbox: Sandbox) -> None:
    with pytest.raises(BadMedia) as refused:
        await sandbox.run(jobs.refuse, Ask(), Told, LIMITS)
    assert (refused.value.code, len(refused.value.detail)) == (Refusal.DAMAGED, 8000)


async def test_a_defect_of_a_job_brings_its_traceback(sandbox: Sandbox) -> None:
    with pytest.raises(JobFailed, match=r"(?s)in fail.*a defect of ours"):
        await sandbox.run(jobs.fail, Ask(), Told, LIMITS)


@pytest.mark.parametrize(
    ("job", "cause"),
    [
        (jobs.eat_memory, "memory"),
        (jobs.eat_memory_slowly, "memory"),
        (jobs.crash, "SIGSEGV"),
        (jobs.flood, "output"),
        (jobs.answer_much, "output"),
    ],
)
async def test_a_child_that_dies_is_an_error_that_names_the_cause(
    sandbox: Sandbox, job: Job, cause: str
) -> None:
    with pytest.raises(JobKilled) as killed:
        await sandbox.run(job, Ask(), Told, LIMITS)
    assert killed.value.cause == cause


async def test_a_child_that_leaves_without_a_result_tells_its_exit_code(sandbox: Sandbox) -> None:
    with pytest.raises(JobKilled, match="exit 3"):
        await sandbox.run(jobs.leave, Ask(number=3), Told, LIMITS)


async def test_a_child_that_writes_too_large_a_file_is_killed(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(JobKilled, match="SIGXFSZ"):
        await sandbox.run(jobs.write_much, Ask(text=str(tmp_path / "much")), Told, LIMITS)
    assert (tmp_path / "much").stat().st_size == 1 << 20


async def test_a_child_cannot_open_more_files_than_it_may(sandbox: Sandbox) -> None:
    with pytest.raises(JobFailed, match="Too many open files"):
        await sandbox.run(jobs.open_many, Ask(), Told, LIMITS)


@pytest.mark.parametrize("job", [jobs.hang, jobs.hang_deaf, jobs.close_channel_and_hang])
async def test_a_child_that_hangs_is_killed_at_its_deadline(sandbox: Sandbox, job: Job) -> None:
    with pytest.raises(JobTimeout, match=r"passed 0\.5 s"):
        await sandbox.run(job, Ask(), Told, QUICK)


async def test_a_child_that_spins_is_stopped_by_its_processor_time(sandbox: Sandbox) -> None:
    limits = Limits(cpu_seconds=1, wall_seconds=20.0)
    with pytest.raises(JobTimeout, match="processor time"):
        await sandbox.run(jobs.spin, Ask(), Told, limits)


@pytest.mark.parametrize("frame", ["ffffffff", "00200000", "00000001ff", "00000000", "0000000180"])
async def test_a_frame_that_is_nonsense_ends_the_job(sandbox: Sandbox, frame: str) -> None:
    with pytest.raises((JobKilled, JobFailed)):
        await sandbox.run(jobs.send_raw, Ask(text=frame), Told, LIMITS)


async def test_a_half_sent_frame_meets_the_deadline(sandbox: Sandbox) -> None:
    with pytest.raises(JobTimeout):
        await sandbox.run(jobs.send_raw, Ask(text="000000"), Told, QUICK)


async def test_a_result_of_another_type_is_a_defect(sandbox: Sandbox) -> None:
    with pytest.raises(JobFailed, match="not a Told"):
        await sandbox.run(jobs.answer_nonsense, Ask(), Told, LIMITS)


async def test_a_cancelled_caller_leaves_no_child(sandbox: Sandbox) -> None:
    child: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def hear(_fraction: float, note: str) -> None:
        child.set_result(int(note))

    task = asyncio.create_task(sandbox.run(jobs.hang_deaf, Ask(), Told, LIMITS, hear))
    pid = await child
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(pid)


async def test_fifty_runs_leave_no_descriptor_and_no_zombie(sandbox: Sandbox) -> None:
    server, _ = await pids(sandbox)
    before = psutil.Process().num_fds(), server.num_fds()
    for turn in range(50):
        try:
            await sandbox.run((jobs.echo, jobs.crash, jobs.leave, jobs.flood)[turn % 4], Ask(), Told, LIMITS)
        except EngineError:
            continue
    assert (psutil.Process().num_fds(), server.num_fds()) == before
    assert server.children() == []


async def test_a_killed_forkserver_is_an_error_and_the_next_job_gets_a_new_one(sandbox: Sandbox) -> None:
    server, _ = await pids(sandbox)

    async def kill(_fraction: float, _note: str) -> None:
        server.kill()

    with pytest.raises(JobKilled, match="forkserver died"):
        await sandbox.run(jobs.hang, Ask(), Told, LIMITS, kill)
    again, _ = await pids(sandbox)
    assert again.pid != server.pid


async def test_a_function_that_a_child_cannot_find_is_refused(sandbox: Sandbox) -> None:
    def local(request: Ask, report: jobs.Report) -> Told:
        return Told("")

    with pytest.raises(ValueError, match="importable module"):
        await sandbox.run(local, Ask(), Told, LIMITS)


async def test_modules_that_cannot_be_loaded_are_told_at_the_start() -> None:
    with pytest.raises(SandboxDown, match="No module named 'no_such_module'"):
        async with Sandbox(("no_such_module",)):
            pass


async def test_leaving_the_sandbox_ends_its_children_and_its_server() -> None:
    async with Sandbox(JOBS) as own:
        server, _ = await pids(own)
        heard = asyncio.Event()

        async def hear(_fraction: float, _note: str) -> None:
            heard.set()

        hanging = asyncio.create_task(own.run(jobs.hang, Ask(), Told, LIMITS, hear))
        await heard.wait()
    with pytest.raises(EngineError):
        await hanging
    assert not server.is_running()
