"""Twin of the object store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

from storage.errors import ObjectMissingError
from storage.keys import checked_key
from storage.memory.state import utc_now
from storage.records import ObjectInfo

CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class MemoryObjects:
    """A dictionary of bytes that reads and lists like a store."""

    now: Callable[[], datetime] = utc_now
    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)

    async def put(self, key: str, data: bytes) -> None:
        """Store a small object."""
        self.objects[checked_key(key)] = (bytes(data), self.now())

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a stream once all of it has come."""
        data = b"".join([bytes(chunk) async for chunk in chunks])
        await self.put(key, data)
        return len(data)

    async def put_file(self, key: str, path: Path) -> int:
        """Store a local file."""
        data = await asyncio.to_thread(path.read_bytes)
        await self.put(key, data)
        return len(data)

    async def get(self, key: str) -> bytes:
        """Return an object. Raises ObjectMissingError."""
        if checked_key(key) not in self.objects:
            raise ObjectMissingError(key)
        return self.objects[key][0]

    async def stream(
        self, key: str, start_bytes: int = 0, end_bytes: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield a range in chunks."""
        whole = await self.get(key)
        end_bytes = len(whole) if end_bytes is None else end_bytes
        if not 0 <= start_bytes <= end_bytes <= len(whole):
            raise ValueError(f"{start_bytes}-{end_bytes} is not within the {len(whole)} bytes of {key}")
        data = memoryview(whole)[start_bytes:end_bytes]
        for position in range(0, len(data), CHUNK_BYTES):
            yield bytes(data[position : position + CHUNK_BYTES])

    async def head(self, key: str) -> ObjectInfo | None:
        """Return size, etag and time, or None."""
        if checked_key(key) not in self.objects:
            return None
        data, modified_at = self.objects[key]
        etag = blake2b(data, digest_size=16).hexdigest()
        return ObjectInfo(key=key, size_bytes=len(data), etag=etag, modified_at=modified_at)

    async def remove_prefix(self, prefix: str) -> int:
        """Delete everything below `prefix/`."""
        start = f"{checked_key(prefix)}/"
        below = [key for key in self.objects if key.startswith(start)]
        await self.remove(below)
        return len(below)

    async def remove(self, keys: Sequence[str]) -> None:
        """Delete objects; missing ones are no error."""
        for key in keys:
            self.objects.pop(checked_key(key), None)

    def local_path(self, key: str) -> Path | None:
        """Return None for any key of the store: memory is no disk."""
        checked_key(key)
        return None

    async def presign(self, key: str, seconds: float) -> str | None:  # noqa: ARG002 - the port has it
        """Return None: nobody else can read this memory."""
        checked_key(key)
        return None

    async def ping(self) -> None:
        """Do nothing: memory is always there."""
