import asyncpg
import nats
import pytest
import redis.asyncio


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_database_of_its_own(database_url: str, turn: int) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("create table mine (turn int)")
    await connection.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_finds_redis_empty(redis_url: str, turn: int) -> None:
    async with redis.asyncio.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("turn", turn)


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_finds_jetstream_without_streams(nats_url: str, turn: int) -> None:
    client = await nats.connect(nats_url)
    jetstream = client.jetstream()
    assert await jetstream.streams_info() == []
    await jetstream.add_stream(name="MINE", subjects=[f"mine.{turn}"])
    await client.close()
