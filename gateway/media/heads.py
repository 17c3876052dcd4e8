"""What storage says of an object, remembered when asking costs a trip. Objects never change, only go."""

from dataclasses import dataclass
from typing import Final

import msgspec

from storage.ports import Cache, Objects
from storage.records import ObjectInfo

CACHE_SECONDS: Final = 60.0
"""How long a deleted object may still seem to be there."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Finds objects."""

    objects: Objects
    cache: Cache

    async def find(self, key: str) -> ObjectInfo | None:
        """Return size, etag and time of an object, or None. Raises StorageUnavailableError."""
        if self.objects.local_path(key) is not None:
            return await self.objects.head(key)
        name = f"head:{key}"
        known = _decoded(await self.cache.get(name))
        if known is not None:
            return known
        found = await self.objects.head(key)
        if found is not None:
            await self.cache.put(name, msgspec.json.encode(found), CACHE_SECONDS)
        return found


def _decoded(value: bytes | None) -> ObjectInfo | None:
    """Return what was remembered; None when another version of us wrote it."""
    try:
        return msgspec.json.decode(value, type=ObjectInfo) if value else None
    except msgspec.DecodeError:
        return None
