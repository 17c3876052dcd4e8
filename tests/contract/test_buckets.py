"""The contract of the shared token buckets, for the twin and for Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from storage.limits_port import Buckets, Lease
from storage.memory.buckets import MemoryBuckets
from storage.redis import open_cache
from storage.redis_buckets import RedisBuckets
from storage.token_bucket import Bucket

SLOW = Bucket(10, 1 / 3600)
"""Fills so slowly that a test sees nothing of it."""
QUICK = Bucket(2, 1000.0)


@pytest.fixture(params=["twin", "redis"])
def buckets_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "twin" else request.getfixturevalue("redis_url")


@pytest.fixture
async def buckets(buckets_url: str | None) -> AsyncIterator[Buckets]:
    if buckets_url is None:
        yield MemoryBuckets()
        return
    async with open_cache(buckets_url) as cache:
        yield RedisBuckets(cache.client)


def _told(lease: Lease) -> tuple[int, float]:
    return lease.granted, round(lease.left, 2)


async def test_a_bucket_that_nobody_touched_is_full(buckets: Buckets) -> None:
    assert _told(await buckets.lease("a key: ü", SLOW, 1)) == (1, 9.0)


async def test_what_is_taken_is_gone(buckets: Buckets) -> None:
    assert _told(await buckets.lease("k", SLOW, 6)) == (6, 4.0)
    assert _told(await buckets.lease("k", SLOW, 6)) == (4, 0.0)
    assert _told(await buckets.lease("k", SLOW, 6)) == (0, 0.0)


async def test_keys_are_apart(buckets: Buckets) -> None:
    await buckets.lease("k", SLOW, 10)
    assert _told(await buckets.lease("other", SLOW, 10)) == (10, 0.0)


async def test_what_is_put_back_can_be_taken_again(buckets: Buckets) -> None:
    await buckets.lease("k", SLOW, 10)
    assert _told(await buckets.lease("k", SLOW, 0, 3)) == (0, 3.0)
    assert _told(await buckets.lease("k", SLOW, 5, 1)) == (4, 0.0)


async def test_nothing_is_put_into_a_full_bucket(buckets: Buckets) -> None:
    assert _told(await buckets.lease("k", SLOW, 0, 5)) == (0, 10.0)
    assert _told(await buckets.lease("k", SLOW, 1, 5)) == (1, 9.0)


async def test_a_bucket_fills_up_to_its_capacity_and_no_further(buckets: Buckets) -> None:
    assert (await buckets.lease("k", QUICK, 2)).granted == 2
    async with asyncio.timeout(10.0):
        while (await buckets.lease("k", QUICK, 0)).left < 2.0:
            await asyncio.sleep(0.001)
    assert (await buckets.lease("k", QUICK, 5)).granted == 2


async def test_of_many_at_once_only_so_many_get_one(buckets: Buckets) -> None:
    leases = await asyncio.gather(*(buckets.lease("k", SLOW, 1) for _ in range(40)))
    assert sum(lease.granted for lease in leases) == 10
