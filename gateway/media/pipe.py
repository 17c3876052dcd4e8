"""A body of known size through a named pipe, so that a slow client slows its source down.

Granian buffers what is given to `response_stream` without any bound: 300 MB for one slow reader, measured
with 2.8.7. A file it reads only as fast as its client does; and a named pipe is a file. Flat at 1 MB then,
twice as fast, and a client that leaves breaks the pipe.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory
from threading import BoundedSemaphore
from typing import Final

OPEN_SECONDS: Final = 10.0
"""Granian opens the file within a moment, unless its client has left already."""
POLL_SECONDS: Final = 0.001
PIPE_BYTES: Final = 256 * 1024
PIPES_LARGE: Final = 128
"""Half of the 64 MiB that Linux lets a user's pipes hold; beyond that every new one gets 8 KiB (pipe(7))."""
_LARGE: Final = BoundedSemaphore(PIPES_LARGE)


async def send_through_pipe(have_read: Callable[[str], None], chunks: AsyncIterator[bytes]) -> None:
    """Write the chunks into a pipe whose path `have_read` gives to somebody who reads it.

    Raises ConnectionError when the reader leaves or never comes, and what `chunks` raises.
    """
    with TemporaryDirectory(prefix="truthtok-pipe-") as directory:
        path = f"{directory}/body"
        os.mkfifo(path, 0o600)
        have_read(path)
        descriptor = await _opened(path)
    try:
        with _enlarged(descriptor):
            async for chunk in chunks:
                await _write(descriptor, chunk)
    finally:
        os.close(descriptor)


async def _opened(path: str) -> int:
    """Return the writing end, once somebody reads."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            while (descriptor := _try_open(path)) is None:  # noqa: ASYNC110 - a pipe says nothing when opened
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise ConnectionError("nobody came to read") from error
    return descriptor


@contextmanager
def _enlarged(descriptor: int) -> Iterator[None]:
    """Let a pipe hold more for the body, within what the system allows: a quarter less processor time."""
    if not _LARGE.acquire(blocking=False):
        yield
        return
    try:
        with suppress(OSError, AttributeError):  # only Linux can
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        yield
    finally:
        _LARGE.release()


async def _write(descriptor: int, chunk: bytes) -> None:
    """Write all of a chunk. Raises ConnectionError.

    By our own hands: uvloop's transport of a pipe closes its descriptor twice, the second time perhaps
    that of a file which another thread has opened since (measured with 0.22.1).
    """
    rest = memoryview(chunk)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            await _writable(descriptor)


async def _writable(descriptor: int) -> None:
    """Wait until a pipe takes more, or breaks."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(descriptor)


def _try_open(path: str) -> int | None:
    with suppress(OSError):  # ENXIO: nobody reads yet
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    return None
