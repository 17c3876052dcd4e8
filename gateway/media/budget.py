"""How much memory uploads may take together; who comes too late is asked to come again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from gateway.problems import unavailable

MEMORY_BYTES_MAX: Final = 512 * 1024**2
SMALLEST_BYTES: Final = 512 * 1024
"""What a connection costs besides: Granian's read buffer."""
RETRY_SECONDS: Final = 5


@dataclass(slots=True)
class Budget:
    """Bytes that are free to be promised."""

    free_bytes: int = MEMORY_BYTES_MAX

    @contextmanager
    def reserve(self, count_bytes: int) -> Iterator[None]:
        """Hold so many bytes for a while. Raises ProblemError 503 when they are not free."""
        needed_bytes = SMALLEST_BYTES + count_bytes
        if needed_bytes > self.free_bytes:
            raise unavailable("Too many uploads at once. Go on a little later.", "overloaded", RETRY_SECONDS)
        self.free_bytes -= needed_bytes
        try:
            yield
        finally:
            self.free_bytes += needed_bytes
