"""Objects whose beginning and end were found authentic, remembered until others push them out."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from storage.errors import ObjectMissingError, SealBrokenError
from storage.ports import Objects
from storage.records import ObjectInfo
from storage.sealed_chunks import HEADER_BYTES, SEALED_CHUNK_BYTES, Seal, find_seal, last_place, plain_size
from storage.sealing import Vault

REMEMBERED_MAX: Final = 1024
LOOKS: Final = 3
"""So often an object is looked at that is replaced meanwhile."""


class Examined(NamedTuple):
    """An encrypted object: it was not cut off, so its size is true, and this opens it."""

    info: ObjectInfo
    """As its store tells it."""
    seal: Seal
    plain_bytes: int


@dataclass(frozen=True, slots=True)
class Examiner:
    """Looks at encrypted objects. Their keys stay in this process's memory."""

    store: Objects
    vault: Vault
    mode: Literal["new", "all"]
    """With `new` an object may be plain, with `all` it may not."""
    _remembered: OrderedDict[str, Examined] = field(default_factory=OrderedDict, repr=False)

    def remembered(self, key: str) -> Examined | None:
        """Return what was found of an object earlier: since then another may have taken its place."""
        if key in self._remembered:
            self._remembered.move_to_end(key)
        return self._remembered.get(key)

    def forget(self, keys: Sequence[str]) -> None:
        """Drop what is known of these objects."""
        for key in keys:
            self._remembered.pop(key, None)

    def forget_prefix(self, prefix: str) -> None:
        """Drop what is known of objects below `prefix/`."""
        self.forget([key for key in self._remembered if key.startswith(f"{prefix}/")])

    def find_seal(self, key: str, start: bytes) -> Seal | None:
        """Return the seal of an object that begins so, None for a plain one. Raises SealBrokenError."""
        seal = find_seal(self.vault, key, start)
        if seal is None and self.mode == "all":
            raise SealBrokenError(f"{key} is not encrypted, and only what is may be read")
        return seal

    async def get(self, key: str) -> Examined | None:
        """Return an object as it is now, None for a plain one. Raises ObjectMissingError, SealBrokenError."""
        found = await self.find(key)
        if found is None:
            raise ObjectMissingError(key)
        return found[1]

    async def find(self, key: str) -> tuple[ObjectInfo, Examined | None] | None:
        """Return what the store says of an object, and what was found, None for a plain one.

        None when there is no object. Raises SealBrokenError.
        """
        looks = 0
        while (info := await self.store.head(key)) is not None:
            known, looks = self._remembered.get(key), looks + 1
            if known is not None and known.info == info:
                return info, known
            try:
                return info, await self._examine(info)
            except (SealBrokenError, ObjectMissingError, ValueError):
                if looks == LOOKS or await self.store.head(key) == info:
                    raise
        self.forget([key])
        return None

    async def _examine(self, info: ObjectInfo) -> Examined | None:
        """Open the header and the last chunk of an object."""
        start, end = await self._ends(info)
        seal = self.find_seal(info.key, start)
        if seal is None:
            return None
        place = last_place(info.size_bytes)
        seal.open(place.first, end[place.start_bytes - info.size_bytes :], last=True)
        return self._remember(Examined(info, seal, plain_size(info.size_bytes)))

    async def _ends(self, info: ObjectInfo) -> tuple[bytes, bytes]:
        """Return the first bytes of an object and the last: a chunk, or all there is."""
        end = self._read(info.key, max(info.size_bytes - SEALED_CHUNK_BYTES, 0), info.size_bytes)
        if info.size_bytes <= SEALED_CHUNK_BYTES:
            data = await end
            return data, data
        start, data = await asyncio.gather(self._read(info.key, 0, HEADER_BYTES), end)
        return start, data

    async def _read(self, key: str, start_bytes: int, end_bytes: int) -> bytes:
        return b"".join([chunk async for chunk in self.store.stream(key, start_bytes, end_bytes)])

    def _remember(self, found: Examined) -> Examined:
        self._remembered[found.info.key] = found
        self._remembered.move_to_end(found.info.key)
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return found
