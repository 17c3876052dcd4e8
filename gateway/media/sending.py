"""A reply onto the wire of RSGI (https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from granian._granian import RSGIProtocolClosed

from gateway.media.exchange import ByteStream, FileSlice, Reply
from gateway.media.pipe import send_through_pipe

CLIENT_LEFT = 499
"""What nginx writes into its log for a client that went away."""


def size_of(reply: Reply) -> int | None:
    """Return how many bytes the body has, or None when nobody knows yet."""
    match reply.body:
        case bytes() as data:
            return len(data)
        case FileSlice() as part:
            return part.end_bytes - part.start_bytes
        case ByteStream() as stream:
            return stream.size_bytes


async def send(wire: Any, reply: Reply, headers: Mapping[str, str], *, body: bool) -> int:
    """Send a reply, for HEAD without its body, and return the status as it is to be logged."""
    lines = [*headers.items()]
    if not body or size_of(reply) == 0:
        wire.response_empty(reply.status, lines)
        return reply.status
    match reply.body:
        case bytes() as data:
            wire.response_bytes(reply.status, lines, data)
        case FileSlice() as part:
            # Granian's own threads read the file: six times as fast as a stream through Python.
            wire.response_file_range(reply.status, lines, str(part.path), part.start_bytes, part.end_bytes)
        case ByteStream() as stream:
            return await _send_stream(wire, reply.status, lines, stream)
    return reply.status


async def _send_stream(wire: Any, status: int, lines: list[tuple[str, str]], stream: ByteStream) -> int:
    def have_read(path: str) -> None:
        wire.response_file(status, lines, path)

    async with aclosing(stream.chunks) as chunks:  # type: ignore[type-var] # every iterator here is a generator
        try:
            if stream.size_bytes is None:
                await _send_events(wire.response_stream(status, lines), chunks)
            else:
                await send_through_pipe(have_read, chunks)
        except (RSGIProtocolClosed, ConnectionError):
            return CLIENT_LEFT
    return status


async def _send_events(transport: Any, chunks: AsyncIterator[bytes]) -> None:
    """Send each chunk at once. Granian takes them without ever making us wait: give others a turn."""
    async for chunk in chunks:
        await transport.send_bytes(chunk)
        await asyncio.sleep(0)
