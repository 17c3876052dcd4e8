"""What is special about token buckets in Redis: they expire, its clock may jump, others may write there."""

from collections.abc import AsyncIterator

import pytest

from storage.errors import StorageUnavailableError
from storage.redis import open_cache
from storage.redis_buckets import RedisBuckets
from storage.token_bucket import Bucket

BUCKET = Bucket(100, 10.0)
HOUR = 3600 * 10**6


@pytest.fixture
async def buckets(redis_url: str) -> AsyncIterator[RedisBuckets]:
    async with open_cache(redis_url) as cache:
        yield RedisBuckets(cache.client)


async def _rewrite(buckets: RedisBuckets, microseconds: int) -> None:
    """Let a bucket have been touched at another time, as if the clock had jumped since."""
    tokens, at = (await buckets.client.get("limit:k")).split()
    await buckets.client.set("limit:k", b"%s %d" % (tokens, int(at) + microseconds))


async def test_a_bucket_is_forgotten_when_it_would_be_full(buckets: RedisBuckets) -> None:
    await buckets.lease("k", BUCKET, 50)
    assert 4000 < await buckets.client.pttl("limit:k") <= 5000
    await buckets.lease("k", BUCKET, 0, 100)
    assert not await buckets.client.exists("limit:k")


async def test_a_clock_that_went_back_does_not_stop_a_bucket_from_filling(buckets: RedisBuckets) -> None:
    await buckets.lease("k", BUCKET, 100)
    await _rewrite(buckets, HOUR)
    assert (await buckets.lease("k", BUCKET, 1)).granted == 0
    await _rewrite(buckets, -(10**6))
    assert (await buckets.lease("k", BUCKET, 5)).granted == 5


async def test_a_clock_that_leapt_ahead_fills_a_bucket_once(buckets: RedisBuckets) -> None:
    await buckets.lease("k", BUCKET, 100)
    await _rewrite(buckets, -HOUR)
    assert (await buckets.lease("k", BUCKET, 1000)).granted == 100


async def test_a_text_of_another_version_is_a_full_bucket(buckets: RedisBuckets) -> None:
    await buckets.client.set("limit:k", b"something else")
    assert (await buckets.lease("k", BUCKET, 1)).left == 99.0


async def test_a_script_that_redis_forgot_is_told_again(buckets: RedisBuckets) -> None:
    await buckets.lease("k", BUCKET, 1)
    await buckets.client.script_flush()
    assert (await buckets.lease("k", BUCKET, 1)).granted == 1


async def test_a_redis_that_never_was_is_unavailable() -> None:
    async with open_cache("redis://127.0.0.1:9") as cache:
        for _ in range(2):
            with pytest.raises(StorageUnavailableError):
                await RedisBuckets(cache.client, cache.breaker).lease("k", BUCKET, 1)
