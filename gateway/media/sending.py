"""A reply onto the wire of RSGI (https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md)."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from granian._granian import RSGIProtocolClosed

from gateway.media.exchange import ByteStream, FileSlice, Reply

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
    transport = wire.response_stream(status, lines)
    async with aclosing(stream.chunks) as chunks:  # type: ignore[type-var] # every iterator here is a generator
        try:
            async for chunk in chunks:
                await transport.send_bytes(chunk)
        except RSGIProtocolClosed:
            return CLIENT_LEFT
    return status
