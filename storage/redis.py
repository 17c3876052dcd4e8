"""The cache in Redis, behind a small circuit breaker: a Redis that is gone costs nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from storage.breaker import ANSWER_SECONDS, Breaker, answered
from storage.errors import StorageUnavailableError

CONNECTIONS_MAX: Final = 32


@dataclass(slots=True)
class RedisCache:
    """Values in Redis; misses while it does not answer."""

    client: Any
    breaker: Breaker = field(default_factory=Breaker)

    async def get(self, key: str) -> bytes | None:
        """Return a value, or None."""
        value = await self._ask(lambda: self.client.get(key))
        return bytes(value) if value is not None else None

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value for at most `seconds`."""
        lifetime = timedelta(milliseconds=round(seconds * 1000))  # the server counts in milliseconds
        if lifetime <= timedelta():
            await self.forget(key)
        else:
            await self._ask(lambda: self.client.set(key, value, px=lifetime))

    async def forget(self, key: str) -> None:
        """Drop a value."""
        await self._ask(lambda: self.client.delete(key))

    async def ping(self) -> None:
        """Touch the server, whatever the breaker says. Raises StorageUnavailableError."""
        await answered(self.client.ping)

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await self.breaker.ask(question)
        except StorageUnavailableError:
            return None


@asynccontextmanager
async def open_cache(redis_url: str) -> AsyncIterator[RedisCache]:
    """Open a cache for the body. Connects at the first question."""
    # Blocking: a burst waits for a connection, where the plain pool would call it a failure.
    pool = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=CONNECTIONS_MAX,
        timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield RedisCache(Redis(connection_pool=pool))
    finally:
        await pool.aclose()
