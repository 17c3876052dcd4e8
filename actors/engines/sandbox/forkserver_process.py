"""The sandbox's end of the forkserver: start it, hand it descriptors, stop it."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Sequence

from actors.engines.errors import SandboxDown
from actors.engines.sandbox.forkserver import READY

START_SECONDS = 60.0
STOP_SECONDS = 5.0
BUSY_SECONDS = 0.01
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from actors.engines.sandbox.forkserver import serve; serve(int(sys.argv[2]), sys.argv[3:])"
)
# Nothing of our own environment, which holds secrets. One arena and no BLAS threads: each thread's
# arena reserves 64 MB of the address space that a job is limited to.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


class ForkserverProcess:
    """A running forkserver. Make it with `start`; safe to `hand_over` to from many tasks."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control

    @classmethod
    async def start(cls, preload: Sequence[str]) -> "ForkserverProcess":
        """Start it and wait until its modules are loaded; raises SandboxDown with its traceback."""
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        with theirs:
            server = cls(_spawn(theirs, preload), ours)
        try:
            async with asyncio.timeout(START_SECONDS):
                await server._hear_ready()
        except BaseException:
            await server.stop()
            raise
        return server

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    async def hand_over(self, channel: socket.socket, leash: socket.socket) -> None:
        """Order a child that owns the far ends of a job; raises SandboxDown."""
        while True:
            try:
                socket.send_fds(self._control, [b"j"], [channel.fileno(), leash.fileno()])
            except BlockingIOError:  # hundreds of orders are waiting: not worth a writer callback
                await asyncio.sleep(BUSY_SECONDS)
            except OSError as error:
                raise SandboxDown("the forkserver died") from error
            else:
                return

    async def stop(self) -> None:
        """Hang up, which ends the children and then the forkserver, and reap it."""
        self._control.close()
        await asyncio.shield(asyncio.to_thread(self._wait))

    def _wait(self) -> None:
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    async def _hear_ready(self) -> None:
        loop = asyncio.get_running_loop()
        heard = await loop.sock_recv(self._control, 1)
        if heard != READY:
            why = await loop.sock_recv(self._control, 1 << 16) if heard else b"it ended at once"
            raise SandboxDown(f"the forkserver did not start: {why.decode(errors='replace')}")


def _spawn(control: socket.socket, preload: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the process; takes about 2 ms, because it does not copy ours.

    It must not write bytecode: a child that may write no file would die of it.
    """
    path = [entry or "." for entry in sys.path]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
        [sys.executable, "-I", "-B", "-c", _BOOT, json.dumps(path), str(control.fileno()), *preload],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(control.fileno(),),
        env=_ENVIRONMENT,
        start_new_session=True,  # an interrupt at the terminal is for us: we drain first
    )
