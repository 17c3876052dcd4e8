"""A circuit breaker: a server that just failed is left alone for a moment, so being gone costs nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from redis.exceptions import RedisError

from storage.errors import StorageUnavailableError

ANSWER_SECONDS: Final = 0.25
"""Slower than this, doing without Redis is quicker."""
PAUSE_SECONDS: Final = 1.0
"""How long nothing is asked of a server that just failed."""


@dataclass(slots=True)
class Breaker:
    """Stands before one Redis; everybody who asks it in this process may share one."""

    clock: Callable[[], float] = time.monotonic
    _closed_until: float = field(default=float("-inf"), init=False)

    async def ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        """Return the answer. Raises StorageUnavailableError, at once while the server is left alone."""
        if self.clock() < self._closed_until:
            raise StorageUnavailableError("Redis did not answer a moment ago")
        try:
            return await answered(question)
        except StorageUnavailableError:
            self._closed_until = self.clock() + PAUSE_SECONDS
            raise


async def answered(question: Callable[[], Awaitable[Any]]) -> Any:
    """Return what Redis answers in time. Raises StorageUnavailableError."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await question()
    except (RedisError, OSError) as error:
        raise StorageUnavailableError(f"Redis: {error or type(error).__name__}") from error
