"""What crosses the line to Robyn, without importing it: requests in, stream parts out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final, cast

from gateway.exchange import Request

EVENT_STREAM: Final = "text/event-stream"
STREAM_HEADERS: Final = frozenset({"cache-control", "connection", "expires", "pragma", "x-accel-buffering"})
"""Headers Robyn itself adds to every stream: ours would be told twice."""


def request_of(robyn_request: Any) -> Request:
    """Return a Robyn request as ours: header names are lower-case there already, nothing is decoded."""
    headers: dict[str, str] = {}
    for name, value in robyn_request.headers.multi_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(
        method=robyn_request.method,
        path=robyn_request.url.path,
        query=tuple(robyn_request.query_params.multi_items()),
        headers=headers,
        body=robyn_request.body,
        peer=robyn_request.ip_addr or "",
    )


class Parts:
    """An async stream of ours, driven step by step from Robyn's threads.

    Robyn calls `__next__` in a thread of its pool and drops us when the client is gone: that ends the stream
    on the loop it belongs to.
    """

    def __init__(self, parts: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._parts, self._loop = cast("Any", parts), loop

    def __iter__(self) -> "Parts":
        return self

    def __next__(self) -> bytes:
        step = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
        part = step.result()
        if part is None:
            raise StopIteration
        return part

    async def _next(self) -> bytes | None:
        try:
            part: bytes = await anext(self._parts)
        except StopAsyncIteration:
            return None
        return part

    def __del__(self) -> None:
        parts, loop = self._parts, self._loop
        with suppress(RuntimeError):  # the loop may be closed: then nothing is left to end
            asyncio.run_coroutine_threadsafe(_close(parts), loop)


async def _close(parts: Any) -> None:
    await parts.aclose()
