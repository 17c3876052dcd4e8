"""What a handler sees of a request and what it answers, free of the server underneath."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.media.pace import Pace

IDLE_SECONDS: Final = 30.0
"""A client that sends nothing for so long has broken off."""


@dataclass(slots=True)
class Body:
    """The bytes of a request as they arrive, counted.

    Granian ends the body of an aborted request as if it were whole: only the count tells them apart.
    """

    source: AsyncIterable[bytes]
    declared_bytes: int | None
    """Content-Length; None when the body is chunked, which leaves no way to tell whether it was whole."""
    idle_seconds: float = IDLE_SECONDS
    received_bytes: int = 0
    ended: bool = False
    stalled: bool = False
    pace: Pace = field(default_factory=Pace)
    _iterator: AsyncIterator[bytes] | None = None
    _patience: asyncio.Timeout | None = None
    """While the client is waited for."""
    _waiting_since: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether the body ended and nothing that was declared is missing."""
        return self.ended and self.declared_bytes in (None, self.received_bytes)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what arrives until the body ends, breaks off or stalls."""
        if self._iterator is None:
            self._iterator = aiter(self.source)  # Granian gives one, once
        while not (self.ended or self.stalled):
            try:
                chunk = await self._next(self._iterator)
            except StopAsyncIteration:
                self.ended = True
                return
            except TimeoutError:
                self.stalled = True
                return
            if chunk:  # the last one is empty
                self.received_bytes += len(chunk)
                yield chunk

    async def _next(self, iterator: AsyncIterator[bytes]) -> bytes:
        """Return what arrives next. Raises StopAsyncIteration, and TimeoutError when patience ends."""
        loop, chunk = asyncio.get_running_loop(), b""
        self._waiting_since = loop.time()
        try:
            async with asyncio.timeout(self.idle_seconds) as self._patience:
                chunk = await anext(iterator)
        finally:
            self._patience = None
            self.pace.note(loop.time() - self._waiting_since, len(chunk))
        return chunk

    def hurry(self) -> bool:
        """End the wait for a client that is slow, as if it had stalled; False when it is not waited for."""
        now = asyncio.get_running_loop().time()
        patience = self._patience
        if patience is None or patience.expired() or not self.pace.is_slow(now - self._waiting_since):
            return False
        patience.reschedule(now)
        return True

    async def discard(self, limit_bytes: int) -> bool:
        """Read and drop what is left; False when more than `limit_bytes` came or it broke off."""
        end_bytes = self.received_bytes + limit_bytes
        async for _ in self.chunks():
            if self.received_bytes > end_bytes:
                return False
        return self.is_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `path` and `values` are percent-decoded once, `query` too."""

    id: str
    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name; repeated ones joined with a comma."""
    body: Body
    peer: str = ""
    """The address the connection comes from, without a port."""
    query: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    """What stood in the places of the route's pattern."""
    notes: dict[str, str] = field(default_factory=dict)
    """What the handler wants in the log line: ids, never a token."""
    told: dict[str, str] = field(default_factory=dict)
    """Headers that go with the answer, whatever it turns out to be: how the caller's limits stand."""
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process drains: an endless answer should end now."""


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A part of a file on this machine: bytes from start up to, not including, end."""

    path: Path
    start_bytes: int
    end_bytes: int


@dataclass(frozen=True, slots=True)
class ByteStream:
    """Bytes made while they are sent, as fast as the client takes them.

    Without a size the answer is chunked, and nobody is slowed down: for events, never for bulk.
    """

    chunks: AsyncIterator[bytes]
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Header values must be plain: one bad value would silently cost all headers."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | FileSlice | ByteStream = b""
