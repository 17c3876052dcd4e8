"""Limits over a real Redis: two processes' worth of them, and a Redis that dies in between."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.embedded import Embedded
from gateway.limits.buckets import BUCKETS, BucketName
from gateway.limits.leases import ALONE, LeasedLimits
from gateway.problems import ProblemError
from storage.errors import StorageUnavailableError
from storage.redis import RedisCache, open_cache
from storage.redis_buckets import RedisBuckets


@asynccontextmanager
async def _process(redis_url: str) -> AsyncIterator[LeasedLimits]:
    """Limits with connections of their own, as another process has them."""
    async with open_cache(redis_url) as cache:
        yield LeasedLimits(RedisBuckets(cache.client, cache.breaker))


async def _is_granted(limits: LeasedLimits, name: BucketName) -> bool:
    try:
        await limits.spend(name, "me")
    except ProblemError:
        return False
    return True


async def _granted(limits: LeasedLimits, name: BucketName, times: int) -> int:
    return sum(await asyncio.gather(*(_is_granted(limits, name) for _ in range(times))))


@pytest.mark.parametrize("name", ["read", "write", "sign_in", "sign_in_pair", "sign_in_account"])
async def test_two_processes_never_grant_more_than_one_bucket(redis_url: str, name: BucketName) -> None:
    bucket, begun = BUCKETS[name], time.monotonic()
    async with _process(redis_url) as one, _process(redis_url) as other:
        times = bucket.capacity
        spent = sum(await asyncio.gather(_granted(one, name, times), _granted(other, name, times)))
        came_in = bucket.per_second * (time.monotonic() - begun)
    assert 0.8 * bucket.capacity <= spent <= bucket.capacity + came_in + 1


async def test_one_that_was_refused_here_is_refused_there(redis_url: str) -> None:
    async with _process(redis_url) as one, _process(redis_url) as other:
        assert await _granted(one, "sign_in_pair", 10) == 10
        assert await _granted(other, "sign_in_pair", 1) == 0
        await one.refund("sign_in_pair", "me")
        async with asyncio.timeout(10.0):
            while not await _is_granted(other, "sign_in_pair"):
                await asyncio.sleep(0.02)


@pytest.fixture
def data_dir(server_binaries: None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="truthtok-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


async def _until_it_answers(cache: RedisCache) -> None:
    async with asyncio.timeout(30.0):
        while True:
            try:
                return await cache.ping()
            except StorageUnavailableError:
                await asyncio.sleep(0.02)


async def test_while_redis_is_dead_limits_hold_and_then_are_shared_again(data_dir: Path) -> None:
    embedded, alone = Embedded(data_dir, durable=False), ALONE.labels("sign_in_pair")
    async with embedded as servers, open_cache(servers.redis_url) as cache:
        now = [0.0]
        cache.breaker.clock = lambda: now[0]
        limits = LeasedLimits(RedisBuckets(cache.client, cache.breaker))
        assert await _granted(limits, "sign_in_pair", 4) == 4
        before = alone._value.get()
        # Stopped: dead enough not to answer, and it cannot be restarted too soon for this test.
        os.kill(embedded.supervisor.pids["redis"], signal.SIGSTOP)
        assert await _granted(limits, "sign_in_pair", 20) == 10
        assert alone._value.get() == before + 20
        os.kill(embedded.supervisor.pids["redis"], signal.SIGKILL)
        await _until_it_answers(cache)
        assert await _granted(limits, "sign_in_pair", 1) == 0  # the breaker is still open
        now[0] += 1.0
        assert 0 < await _granted(limits, "sign_in_pair", 20) <= 10
        assert alone._value.get() == before + 21
