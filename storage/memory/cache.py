"""Twin of the cache."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MemoryCache:
    """A dictionary whose values run out."""

    clock: Callable[[], float] = time.monotonic
    values: dict[str, tuple[float, bytes]] = field(default_factory=dict)

    async def get(self, key: str) -> bytes | None:
        """Return a value that has not run out."""
        until, value = self.values.get(key, (0.0, b""))
        return value if self.clock() < until else None

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value for at most `seconds`."""
        self.values[key] = (self.clock() + seconds, bytes(value))

    async def forget(self, key: str) -> None:
        """Drop a value."""
        self.values.pop(key, None)

    async def ping(self) -> None:
        """Do nothing: memory is always there."""
