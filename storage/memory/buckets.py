"""Twin of the shared token buckets."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from storage.limits_port import Lease
from storage.token_bucket import Bucket, Level, drawn


@dataclass(frozen=True, slots=True)
class MemoryBuckets:
    """A dictionary of levels."""

    clock: Callable[[], float] = time.monotonic
    levels: dict[str, Level] = field(default_factory=dict)

    async def lease(self, key: str, bucket: Bucket, wanted: int, returned: int = 0) -> Lease:
        """Put tokens back, then take up to `wanted`."""
        level, granted = drawn(self.levels.get(key), bucket, self.clock(), wanted, returned)
        self.levels[key] = level
        return Lease(granted, level.tokens)
