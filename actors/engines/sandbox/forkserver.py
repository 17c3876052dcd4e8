"""The forkserver: a small process with the libraries loaded that forks one child per job.

It never sees a byte of media. For each job it receives one byte and two descriptors: the child's channel and
a *leash*. When the sandbox lets go of a leash (its task was cancelled, its deadline passed, its process died)
the child is killed; when a child ends, its wait status is written to its leash. So the process that knows
the pid is the one that kills and reaps, and no pid is ever reused under our hands.

The standard library's forkserver is not used: it imports the caller's main module again in each child,
answers with pickles, and shares one server with everything else in the process.
"""

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from actors.engines.sandbox import child

READY = b"+"
BROKEN = b"-"
STATUS_BYTES = 4


def serve(control_fd: int, preload: Sequence[str]) -> NoReturn:
    """Load the modules, say so, and fork on demand until the sandbox hangs up. Never returns."""
    control = socket.socket(fileno=control_fd)
    try:
        for name in preload:
            importlib.import_module(name)
    except BaseException:  # noqa: BLE001 - there is no standard error: the sandbox must hear it
        control.sendall(BROKEN + traceback.format_exc().encode())
        os._exit(1)
    gc.freeze()  # collections in children must not touch, and so copy, these pages
    control.sendall(READY)
    server = Forkserver(control)
    while True:
        server.turn()


class Forkserver:
    """One loop over the control socket, the leashes and the news of dead children."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._leashes: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._news, self._bell = socket.socketpair()
        self._news.settimeout(0)
        self._bell.settimeout(0)
        signal.signal(signal.SIGCHLD, _ring)
        signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._watch(control, self._take_order)
        self._watch(self._news, self._reap)

    def turn(self) -> None:
        """Wait for one or more events and act on them."""
        for key, _ in self._selector.select():
            key.data()

    def _watch(self, source: socket.socket, act: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, act)

    def _take_order(self) -> None:
        message, fds, _, _ = socket.recv_fds(self._control, 1, 2)
        if not message:
            self._shut_down()
        channel_fd, leash_fd = fds
        leash = socket.socket(fileno=leash_fd)
        try:
            self._fork(channel_fd, leash)
        except OSError:  # no process left: both ends close, which the sandbox reads as a dead child
            leash.close()
        os.close(channel_fd)

    def _fork(self, channel_fd: int, leash: socket.socket) -> None:
        parent_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            child.live(channel_fd, parent_pid)
        self._leashes[pid] = leash
        self._watch(leash, lambda: self._kill(pid, leash))

    def _kill(self, pid: int, leash: socket.socket) -> None:
        if self._leashes.get(pid) is leash:  # or it was reaped a moment ago
            self._selector.unregister(leash)
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._news.recv(4096)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._announce(*ended)

    def _announce(self, pid: int, status: int) -> None:
        leash = self._leashes.pop(pid)
        with contextlib.suppress(KeyError):  # already let go
            self._selector.unregister(leash)
        with contextlib.suppress(OSError):  # the sandbox may be gone
            leash.sendall(status.to_bytes(STATUS_BYTES))
        leash.close()

    def _shut_down(self) -> NoReturn:
        for pid in self._leashes:
            os.kill(pid, signal.SIGKILL)
        for pid in self._leashes:
            os.waitpid(pid, 0)
        os._exit(0)


def _ring(_signal: int, _frame: object) -> None:
    """Nothing to do here: the wakeup descriptor is what turns the loop."""
