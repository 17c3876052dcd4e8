"""Objects that lie encrypted in another store, each under a key of its own, which the vault wraps.

Whoever has the store alone learns names, sizes and times, and can delete: nothing can be read without a
master key, and nothing that was changed is given out.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from storage.errors import SealBrokenError
from storage.examined_objects import Examined, Examiner
from storage.file_reading import checked_end, mapped_disk, read_file
from storage.keys import checked_key
from storage.ports import Objects
from storage.records import ObjectInfo
from storage.sealed_chunks import (
    CHUNK_BYTES,
    HEADER_BYTES,
    WHOLE,
    Place,
    Seal,
    new_seal,
    place_of,
    plain_size,
)
from storage.sealed_streams import keep_mebibytes, opened, opened_file, sealed
from storage.sealing import Vault


@dataclass(frozen=True, slots=True)
class EncryptedObjects:
    """Encrypts what goes into a store and opens what comes out.

    Besides what the port says, `head` and whatever reads raise SealBrokenError.
    """

    store: Objects
    vault: Vault
    examiner: Examiner

    @classmethod
    def over(cls, store: Objects, vault: Vault, mode: Literal["new", "all"]) -> "EncryptedObjects":
        """Return the objects of a store. `new` gives out those that are plain as they are, `all` refuses."""
        keep_mebibytes()
        return cls(store, vault, Examiner(store, vault, mode))

    async def put(self, key: str, data: bytes) -> None:
        """Store a small object."""
        seal = new_seal(self.vault, checked_key(key))
        await self.store.put(key, await asyncio.to_thread(seal.close_whole, data))

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a stream of any length and return its bytes."""
        seal = new_seal(self.vault, checked_key(key))
        async with aclosing(sealed(seal, chunks)) as stored:
            return plain_size(await self.store.put_stream(key, stored))

    async def put_file(self, key: str, path: Path) -> int:
        """Store a local file and return its bytes."""
        async with aclosing(read_file(path)) as chunks:
            return await self.put_stream(key, chunks)

    async def get(self, key: str) -> bytes:
        """Return a small object. Raises ObjectMissingError."""
        stored = await self.store.get(key)
        seal = self.examiner.find_seal(key, stored)
        if seal is None:
            return stored
        return await asyncio.to_thread(seal.open_whole, stored)

    async def stream(
        self, key: str, start_bytes: int = 0, end_bytes: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield a range in chunks of a mebibyte or more, having fetched no more than what holds it."""
        is_whole = (start_bytes, end_bytes) == (0, None)
        chunks = self._whole(checked_key(key)) if is_whole else self._part(key, start_bytes, end_bytes)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def head(self, key: str) -> ObjectInfo | None:
        """Return size, etag and time, or None. The size of what is encrypted is authentic."""
        found = await self.examiner.find(key)
        if found is None:
            return None
        info, examined = found
        return info if examined is None else replace(info, size_bytes=examined.plain_bytes)

    async def remove_prefix(self, prefix: str) -> int:
        """Delete everything below `prefix/` and return how many objects that was."""
        self.examiner.forget_prefix(prefix)
        return await self.store.remove_prefix(prefix)

    async def remove(self, keys: Sequence[str]) -> None:
        """Delete objects; missing ones are no error."""
        self.examiner.forget(keys)
        await self.store.remove(keys)

    def local_path(self, key: str) -> Path | None:
        """Return None for any key of the store: there is no file with the plain bytes."""
        checked_key(key)
        return None

    async def presign(self, key: str, seconds: float) -> str | None:  # noqa: ARG002 - the port has it
        """Return None: who reads past us has no key."""
        checked_key(key)
        return None

    async def ping(self) -> None:
        """Touch the store. Raises StorageUnavailableError."""
        await self.store.ping()

    async def _whole(self, key: str) -> AsyncGenerator[bytes, None]:
        """Read from front to end in one go, without a look in advance."""
        async with aclosing(self.store.stream(key)) as stored:  # type: ignore[type-var] # it is a generator
            start = b""
            while len(start) < HEADER_BYTES and (piece := await anext(stored, b"")):
                start += piece
            seal = self.examiner.find_seal(key, start)
            rest = _behind(start if seal is None else start[HEADER_BYTES:], stored)
            async with aclosing(rest if seal is None else opened(seal, rest, WHOLE)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _part(self, key: str, start_bytes: int, end_bytes: int | None) -> AsyncGenerator[bytes, None]:
        """Read a range by what is remembered; when that is of an earlier object, by a new look."""
        remembered, has_begun = self.examiner.remembered(key), False
        if remembered is not None:
            try:
                async with aclosing(self._range(key, remembered, start_bytes, end_bytes)) as chunks:
                    async for chunk in chunks:
                        has_begun = True
                        yield chunk
            except (SealBrokenError, ValueError):
                if has_begun:
                    raise
            else:
                return
        found = await self.examiner.get(key)
        async with aclosing(self._range(key, found, start_bytes, end_bytes)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _range(
        self, key: str, found: Examined | None, start_bytes: int, end_bytes: int | None
    ) -> AsyncGenerator[bytes, None]:
        if found is None:
            async for chunk in self.store.stream(key, start_bytes, end_bytes):
                yield chunk
            return
        end_bytes = checked_end(key, start_bytes, end_bytes, found.plain_bytes)
        if start_bytes == end_bytes:
            return
        place = place_of(start_bytes, end_bytes, found.info.size_bytes)
        at_bytes = place.first * CHUNK_BYTES
        async with aclosing(self._opened(key, found.seal, place)) as chunks:
            async for chunk in chunks:
                yield chunk[max(start_bytes - at_bytes, 0) : end_bytes - at_bytes]
                at_bytes += len(chunk)

    async def _opened(self, key: str, seal: Seal, place: Place) -> AsyncGenerator[bytes, None]:
        """Yield what the chunks at a place hold."""
        path = self.store.local_path(key)
        if path is None:
            inner = self.store.stream(key, place.start_bytes, place.end_bytes)
            async with (
                aclosing(inner) as stored,  # type: ignore[type-var] # it is a generator
                aclosing(opened(seal, stored, place)) as chunks,
            ):
                async for chunk in chunks:
                    yield chunk
            return
        with mapped_disk(key), await asyncio.to_thread(FileIO, path) as file:
            async with aclosing(opened_file(seal, file, place)) as chunks:
                async for chunk in chunks:
                    yield chunk


async def _behind(start: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    if start:
        yield start
    async for chunk in rest:
        yield chunk
