"""One media job per limited child process.

libav gets untrusted bytes: a child may crash, hang, fill its memory or try to fill ours, and the caller sees
an error that names the cause. A job is a module-level function `job(request, report) -> result` over msgspec
structs; it runs in a child forked from a process that has the libraries loaded.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Self, TypeVar

import msgspec

from actors.engines.errors import BadMedia, JobFailed, JobKilled, JobTimeout
from actors.engines.sandbox import job_wire
from actors.engines.sandbox.child import PROGRESS_EVERY_SECONDS
from actors.engines.sandbox.forkserver_process import ForkserverProcess
from actors.engines.sandbox.job_wire import Limits, Order, Outcome, OutOfMemory, Progress, Refused, Report
from actors.engines.sandbox.running_job import SandboxJob

PRELOAD = (
    "numpy",
    "av.subtitles.stream",
    "actors.engines.clip.probe_job",
    "actors.engines.pictures.thumbnails_job",
    "actors.engines.clip.inspection_job",
    "actors.engines.encoding.encode_job",
    "actors.engines.cmaf.remux_job",
    "actors.engines.sound.audio_job",
)
OnProgress = Callable[[float, str], Awaitable[None]]
RequestT = TypeVar("RequestT", bound=msgspec.Struct)
ResultT = TypeVar("ResultT")


class Sandbox:
    """Runs jobs in children. Enter it once per process; `run` is safe from many tasks of that loop."""

    def __init__(self, preload: Sequence[str] = PRELOAD) -> None:
        self._preload = tuple(preload)
        self._server: ForkserverProcess | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._server = await ForkserverProcess.start(self._preload)
        return self

    async def __aexit__(self, *_: object) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def run(
        self,
        job: Callable[[RequestT, Report], ResultT] | str,
        request: RequestT,
        result_type: type[ResultT],
        limits: Limits,
        on_progress: OnProgress | None = None,
    ) -> ResultT:
        """Run a job to its end: a function, or `module:function` where its module is not to be loaded here.

        Raises BadMedia (the job's own verdict), JobTimeout, JobKilled, JobFailed or SandboxDown. When the
        caller is cancelled, or `on_progress` raises, the child is killed and reaped before this returns.
        """
        order = Order(job=_address(job), request=_encoded(request), limits=limits)
        async with SandboxJob.start(await self._running()) as child:
            try:
                async with asyncio.timeout(limits.wall_seconds) as deadline:
                    outcome = await _outcome(child, order, on_progress)
            except TimeoutError as error:
                if deadline.expired():
                    raise JobTimeout(f"{order.job} passed {limits.wall_seconds} s") from error
                raise
        return _result(outcome, result_type)

    async def _running(self) -> ForkserverProcess:
        """The forkserver, started again when something killed it."""
        if self._server is None:
            raise RuntimeError("the sandbox is used outside its `async with`")
        async with self._starting:
            if not self._server.alive:
                await self._server.stop()
                self._server = await ForkserverProcess.start(self._preload)
            return self._server


async def _outcome(child: SandboxJob, order: Order, on_progress: OnProgress | None) -> Outcome:
    await child.send(order)
    loop = asyncio.get_running_loop()
    next_seconds = loop.time()
    while isinstance(frame := await _heard(child, order), Progress):
        if on_progress is not None and loop.time() >= next_seconds:  # a hostile child may flood
            await on_progress(frame.fraction, frame.note)
            next_seconds = loop.time() + PROGRESS_EVERY_SECONDS / 2
    return frame


async def _heard(child: SandboxJob, order: Order) -> Progress | Outcome:
    """Return the child's next frame. Raises JobTimeout when it is silent for too long."""
    try:
        async with asyncio.timeout(order.limits.silent_seconds) as patience:
            return await child.receive()
    except TimeoutError as error:
        if patience.expired():
            raise JobTimeout(f"{order.job} was silent for {order.limits.silent_seconds} s") from error
        raise


def _result(outcome: Outcome, result_type: type[ResultT]) -> ResultT:
    if isinstance(outcome, Refused):
        raise BadMedia(outcome.code, outcome.detail)
    if isinstance(outcome, OutOfMemory):
        raise JobKilled("memory", "the job met its memory limit")
    if isinstance(outcome, job_wire.Failed):
        raise JobFailed(outcome.traceback)
    try:
        return msgspec.msgpack.decode(outcome.result, type=result_type)
    except msgspec.DecodeError as error:
        raise JobFailed(f"the result is not a {result_type.__name__}: {error}") from error


def _address(job: Callable[..., object] | str) -> str:
    """`module:function`, by which the child finds the job."""
    if isinstance(job, str):
        return job
    if "<" in job.__qualname__ or "." in job.__qualname__ or job.__module__ == "__main__":
        raise ValueError(f"{job.__qualname__} is not a function of an importable module")
    return f"{job.__module__}:{job.__qualname__}"


def _encoded(request: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(request))
