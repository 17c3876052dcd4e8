"""Streams through a seal, in runs of chunks: threads work on each, one run ahead of its use.

Memory that comes and goes in mebibytes costs more than the cipher when it is mapped anew each time: so no
buffer here is larger than a chunk but for what is handed on, and `keep_mebibytes`.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing
from functools import partial
from io import FileIO
from typing import Final, NamedTuple

from storage.sealed_chunks import CHUNK_BYTES, SEALED_CHUNK_BYTES, Place, Seal

RUN_CHUNKS: Final = 17
"""One more than a mebibyte, so that the first run of a range has that much wherever in a chunk it begins."""
_PIECES_MAX: Final = 256
_KEPT_BYTES: Final = 4 << 20


class Run(NamedTuple):
    """Bytes as they came."""

    pieces: list[memoryview]
    is_last: bool


_Job = Callable[[], bytes]


def keep_mebibytes() -> None:
    """Let the allocator of this process keep what is freed in runs: half the processor time of a stream.

    glibc maps anew what is larger than any mapping freed so far, and gives back twice as much (mallopt(3),
    M_MMAP_THRESHOLD). This frees one that was never touched; elsewhere it does nothing.
    """
    bytearray(_KEPT_BYTES)


async def sealed(seal: Seal, plain: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the stored form of a stream of any length."""
    yield seal.header
    async with aclosing(_ahead(_sealing(seal, plain))) as stored:
        async for run in stored:
            yield run


async def opened(seal: Seal, stored: AsyncIterator[bytes], place: Place) -> AsyncGenerator[bytes, None]:
    """Yield what the chunks at `place` hold, whose bytes are `stored`. Raises SealBrokenError."""
    async with aclosing(_ahead(_opening(seal, stored, place))) as plain:
        async for run in plain:
            yield run


async def opened_file(seal: Seal, file: FileIO, place: Place) -> AsyncGenerator[bytes, None]:
    """Yield what the chunks at `place` of a file hold. Raises OSError, SealBrokenError."""
    async with aclosing(_ahead(_reading(seal, file, place))) as plain:
        async for run in plain:
            yield run


async def in_runs(pieces: AsyncIterator[bytes], run_bytes: int) -> AsyncGenerator[Run, None]:
    """Yield runs of `run_bytes` and a last one of at least one byte, or of none when there are none."""
    held: list[memoryview] = []
    held_bytes = 0
    async for piece in pieces:
        view = memoryview(piece)
        while held_bytes + len(view) > run_bytes:
            room_bytes = run_bytes - held_bytes
            yield Run([*held, view[:room_bytes]], is_last=False)
            held, held_bytes, view = [], 0, view[room_bytes:]
        held.append(view)
        held_bytes += len(view)
        if len(held) > _PIECES_MAX:  # small ones weigh more than what they hold
            held = [memoryview(b"".join(held))]
    yield Run(held, is_last=True)


def in_chunks(pieces: Iterable[memoryview], chunk_bytes: int) -> Iterator[bytes]:
    """Yield chunks of `chunk_bytes` and a last one of at least one byte, or of none when there are none."""
    held = b""
    for piece in pieces:
        view = piece
        while len(held) + len(view) > chunk_bytes:
            room_bytes = chunk_bytes - len(held)
            yield b"".join((held, view[:room_bytes]))
            held, view = b"", view[room_bytes:]
        held += view
    yield held


async def _sealing(seal: Seal, plain: AsyncIterator[bytes]) -> AsyncGenerator[_Job, None]:
    first = 0
    async with aclosing(in_runs(plain, RUN_CHUNKS * CHUNK_BYTES)) as runs:
        async for pieces, is_last in runs:
            yield partial(_each, seal.close, first, in_chunks(pieces, CHUNK_BYTES), is_last)
            first += RUN_CHUNKS


async def _opening(seal: Seal, stored: AsyncIterator[bytes], place: Place) -> AsyncGenerator[_Job, None]:
    first = place.first
    async with aclosing(in_runs(stored, RUN_CHUNKS * SEALED_CHUNK_BYTES)) as runs:
        async for pieces, is_last in runs:
            chunks = in_chunks(pieces, SEALED_CHUNK_BYTES)
            yield partial(_each, seal.open, first, chunks, is_last and place.reaches_end)
            first += RUN_CHUNKS


async def _reading(seal: Seal, file: FileIO, place: Place) -> AsyncGenerator[_Job, None]:
    step, end = RUN_CHUNKS * SEALED_CHUNK_BYTES, place.end_bytes
    for number, start in enumerate(range(place.start_bytes, end, step)):
        stop = min(start + step, end)
        chunks = _read_chunks(file, start, stop)
        first = place.first + number * RUN_CHUNKS
        yield partial(_each, seal.open, first, chunks, stop == end and place.reaches_end)


def _read_chunks(file: FileIO, start_bytes: int, end_bytes: int) -> Iterator[bytes]:
    for at in range(start_bytes, end_bytes, SEALED_CHUNK_BYTES):
        yield os.pread(file.fileno(), min(SEALED_CHUNK_BYTES, end_bytes - at), at)


def _each(work: Callable[..., bytes], first: int, chunks: Iterator[bytes], ends: bool) -> bytes:
    """Return what `work` makes of one chunk or more; `ends`: the last of them is the object's."""
    made, number, held = [], first, next(chunks)
    for chunk in chunks:
        made.append(work(number, held, last=False))
        number, held = number + 1, chunk
    return b"".join((*made, work(number, held, last=ends)))


async def _ahead(jobs: AsyncGenerator[_Job, None]) -> AsyncGenerator[bytes, None]:
    """Yield what the jobs return, in order; while one result is in use, a thread makes the next."""
    loop = asyncio.get_running_loop()
    running: list[asyncio.Future[bytes]] = []
    try:
        async with aclosing(jobs):
            async for job in jobs:
                running.append(loop.run_in_executor(None, job))
                if len(running) > 1:
                    yield await _first(running)
        while running:
            yield await _first(running)
    finally:
        if running:  # they may be reading what the caller closes next
            await asyncio.wait(running)
            for one in running:
                one.exception()


async def _first(running: list["asyncio.Future[bytes]"]) -> bytes:
    """Take the first out of those that run, and return its result. A cancelled wait leaves it among them."""
    await asyncio.wait(running[:1])
    return running.pop(0).result()
