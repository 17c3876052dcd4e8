"""Streams through a seal, cut into runs of chunks: each is worked on in a thread, one ahead of its use."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import Final, NamedTuple

from storage.sealed_chunks import CHUNK_BYTES, SEALED_CHUNK_BYTES, Place, Seal

RUN_CHUNKS: Final = 17
"""One more than a mebibyte, so that the first run of a range has that much wherever in a chunk it begins."""
_PIECES_MAX: Final = 256


class Run(NamedTuple):
    """Bytes as they came."""

    pieces: list[memoryview]
    is_last: bool


_Work = Callable[[int, bytes, bool], bytes]


async def sealed(seal: Seal, plain: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the stored form of a stream of any length."""

    def close(first: int, data: bytes, is_last: bool) -> bytes:
        return seal.close(first, data, last=is_last)

    yield seal.header
    async with aclosing(_worked(close, plain, RUN_CHUNKS * CHUNK_BYTES, 0)) as stored:
        async for run in stored:
            yield run


async def opened(seal: Seal, stored: AsyncIterator[bytes], place: Place) -> AsyncGenerator[bytes, None]:
    """Yield what the chunks at `place` hold, whose bytes are `stored`. Raises SealBrokenError."""

    def unseal(first: int, data: bytes, is_last: bool) -> bytes:
        return seal.open(first, data, last=is_last and place.reaches_end)

    skip_bytes = place.skip_bytes
    async with aclosing(_worked(unseal, stored, RUN_CHUNKS * SEALED_CHUNK_BYTES, place.first)) as plain:
        async for run in plain:
            yield run[skip_bytes:] if skip_bytes else run
            skip_bytes = 0


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


async def _worked(
    work: _Work, pieces: AsyncIterator[bytes], run_bytes: int, first: int
) -> AsyncGenerator[bytes, None]:
    """Yield what `work` makes of each run, in order; while one result is in use, it makes the next."""
    loop = asyncio.get_running_loop()
    running: asyncio.Future[bytes] | None = None
    try:
        async with aclosing(in_runs(pieces, run_bytes)) as runs:
            async for run in runs:
                ready, running = running, loop.run_in_executor(None, partial(_joined, work, first, run))
                first += RUN_CHUNKS
                if ready is not None:
                    yield await ready
        if running is not None:
            yield await running
    finally:
        if running is not None:
            running.cancel()


def _joined(work: _Work, first: int, run: Run) -> bytes:
    return work(first, b"".join(run.pieces), run.is_last)
