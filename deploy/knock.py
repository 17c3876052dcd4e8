"""Asks a process of ours whether it is ready, wherever it was told to listen."""

import asyncio
from typing import Final

from deploy.addresses import near

ANSWER_SECONDS: Final = 2.0
STATUS_BYTES: Final = 16
"""`HTTP/1.1 200 OK`, as far as the status."""


async def is_ready(host: str, port: int) -> bool:
    """Whether GET /ready of a server that is bound to `host` answers 200; False on any failure."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return b" 200" in await _knock(near(host), port)
    except (OSError, TimeoutError):
        return False


async def _knock(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return await reader.read(STATUS_BYTES)
    finally:
        writer.close()
