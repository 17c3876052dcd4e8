"""The contract of the Cache, for the twin and for Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from storage.memory import MemoryCache
from storage.ports import Cache
from storage.redis import open_cache


@pytest.fixture(params=["twin", "redis"])
def cache_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "twin" else request.getfixturevalue("redis_url")


@pytest.fixture
async def cache(cache_url: str | None) -> AsyncIterator[Cache]:
    if cache_url is None:
        yield MemoryCache()
        return
    async with open_cache(cache_url) as opened:
        yield opened


async def test_a_value_is_given_back_as_it_was_put(cache: Cache) -> None:
    await cache.put("a key: ü", b"\x00\xff", 60)
    assert await cache.get("a key: ü") == b"\x00\xff"


async def test_an_unknown_key_is_none(cache: Cache) -> None:
    assert await cache.get("k") is None


async def test_a_later_value_takes_the_place_of_an_earlier_one(cache: Cache) -> None:
    await cache.put("k", b"1", 60)
    await cache.put("k", b"2", 60)
    assert await cache.get("k") == b"2"


async def test_a_forgotten_value_is_none(cache: Cache) -> None:
    await cache.put("k", b"1", 60)
    await cache.forget("k")
    await cache.forget("k")
    assert await cache.get("k") is None


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_a_value_without_a_lifetime_is_not_kept(cache: Cache, seconds: float) -> None:
    await cache.put("k", b"1", 60)
    await cache.put("k", b"2", seconds)
    assert await cache.get("k") is None


async def test_a_value_runs_out(cache: Cache) -> None:
    await cache.put("k", b"1", 0.001)
    while await cache.get("k") is not None:
        pass


async def test_a_burst_of_questions_is_answered(cache: Cache) -> None:
    await cache.put("k", b"1", 60)
    assert await asyncio.gather(*(cache.get("k") for _ in range(200))) == [b"1"] * 200


async def test_a_cache_that_is_there_answers_a_ping(cache: Cache) -> None:
    await cache.ping()
