"""The life of a job's child: shut every door, read the order, do it, answer, leave."""

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
import time
import traceback
import typing
from pathlib import Path
from typing import NoReturn

import msgspec

from actors.engines.errors import BadMedia
from actors.engines.sandbox.capabilities import READING, keep_capabilities
from actors.engines.sandbox.job_wire import (
    LENGTH_BYTES,
    MAX_TEXT_CHARS,
    Failed,
    Finished,
    Limits,
    Order,
    Outcome,
    OutOfMemory,
    Progress,
    Refused,
    pack,
)

CHANNEL_FD = 3
BROKEN_EXIT = 70
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
PROGRESS_EVERY_SECONDS = 0.1
_OUT_OF_MEMORY = pack(OutOfMemory())  # encoded while there is memory


def live(channel_fd: int, parent_pid: int) -> NoReturn:
    """Run one job in this process, which was just forked, and exit. Never returns."""
    code = BROKEN_EXIT
    try:
        _close_doors(channel_fd)
        _die_with(parent_pid)
        keep_capabilities(READING)
        with socket.socket(fileno=CHANNEL_FD) as channel:
            _serve(channel)
        code = 0
    finally:
        os._exit(code)


def _serve(channel: socket.socket) -> None:
    order = _receive(channel)
    _confine(order.limits)
    channel.sendall(_answer(order, channel))


def _answer(order: Order, channel: socket.socket) -> bytes:
    try:
        return pack(_perform(order, channel))
    except MemoryError:
        return _OUT_OF_MEMORY


def _perform(order: Order, channel: socket.socket) -> Outcome:
    try:
        module, _, name = order.job.partition(":")
        job = getattr(importlib.import_module(module), name)
        request = msgspec.msgpack.decode(order.request, type=typing.get_type_hints(job)["request"])
        return Finished(msgspec.Raw(msgspec.msgpack.encode(job(request, _Reporter(channel).report))))
    except BadMedia as refusal:
        return Refused(refusal.code, refusal.detail[:MAX_TEXT_CHARS])
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - this is the runner of jobs
        return Failed(traceback.format_exc()[-MAX_TEXT_CHARS:])


class _Reporter:
    """Sends progress, at most ten times a second."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._last_seconds = -PROGRESS_EVERY_SECONDS

    def report(self, fraction: float, note: str) -> None:
        now = time.monotonic()
        if now - self._last_seconds >= PROGRESS_EVERY_SECONDS:
            self._last_seconds = now
            self._channel.sendall(pack(Progress(min(max(fraction, 0.0), 1.0), note[:MAX_TEXT_CHARS])))


def _receive(channel: socket.socket) -> Order:
    size = int.from_bytes(_read_exactly(channel, LENGTH_BYTES))
    return msgspec.msgpack.decode(_read_exactly(channel, size), type=Order)


def _read_exactly(channel: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = channel.recv(size - len(data))
        if not chunk:
            raise EOFError("the sandbox hung up before the order was complete")
        data += chunk
    return bytes(data)


def _close_doors(channel_fd: int) -> None:
    """Keep the channel and the three null devices; the forkserver's other descriptors are closed."""
    os.dup2(channel_fd, CHANNEL_FD, inheritable=False)
    # Listed, not closed by range: containers allow a thousand million descriptors, and not every
    # interpreter is built with close_range.
    for path in list(Path("/dev/fd").iterdir()):
        if int(path.name) > CHANNEL_FD:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(int(path.name))
    os.umask(0o077)


def _die_with(parent_pid: int) -> None:
    """Ask Linux to kill this process when the forkserver ends; elsewhere the leash alone does it."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent_pid:  # it ended before we asked
        os._exit(BROKEN_EXIT)
    with contextlib.suppress(OSError):  # the kernel should take this process first when memory is short
        Path("/proc/self/oom_score_adj").write_text("1000")


def _confine(limits: Limits) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it: a full file must be visible
    _lower(resource.RLIMIT_CORE, 0, 0)
    _lower(resource.RLIMIT_NOFILE, limits.open_files, limits.open_files)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes)
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)
    if sys.platform.startswith("linux"):  # others refuse or ignore it
        _lower(resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes)


def _lower(kind: int, soft: int, hard: int) -> None:
    """Set a limit, within what this process was itself allowed."""
    _, ceiling = resource.getrlimit(kind)
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(kind, (soft, hard))
