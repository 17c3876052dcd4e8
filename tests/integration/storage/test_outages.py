"""Servers that die, and come back, under storage that stays open."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.embedded import Embedded
from storage.breaker import Breaker
from storage.errors import StorageUnavailableError
from storage.memory import MemoryObjects
from storage.migrations import migrate
from storage.opening import open_storage
from storage.postgres.pool import open_database
from storage.redis import RedisCache, open_cache
from tests.contract.storage_values import begin, new_original, new_upload, new_video, news, segments

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


@pytest.fixture
def data_dir(server_binaries: None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="truthtok-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


async def outlast(attempt: Callable[[], Awaitable[None]]) -> int:
    """Repeat what an outage breaks until it works; any other error passes. Return how often it broke."""
    async with asyncio.timeout(30):
        for broken in range(1_000_000):
            try:
                await attempt()
            except StorageUnavailableError:
                await asyncio.sleep(0.01)
            else:
                return broken
    raise AssertionError


async def test_a_killed_postgres_is_unavailable_and_then_serves_the_same_pool(data_dir: Path) -> None:
    embedded = Embedded(data_dir, durable=False)
    async with embedded as servers:
        await migrate(servers.database_url)
        async with open_storage(servers.database_url, MemoryObjects(), servers.redis_url) as storage:

            async def walk() -> None:
                video = new_video()
                await storage.videos.create(video, new_upload(video.id))
                await storage.videos.record_original(video.id, new_original(uuid4().bytes))
                upload = await begin(storage)
                await storage.uploads.append(upload.id, 0, segments(10), news(), upload.expires_at)
                await storage.uploads.expire(upload.created_at, 5)

            await asyncio.gather(*(walk() for _ in range(20)))
            kept = len(await storage.outbox.pending(1000))
            os.kill(embedded.supervisor.pids["postgres"], signal.SIGKILL)
            broken = await asyncio.gather(*(outlast(walk) for _ in range(20)))
            assert sum(broken) > 0
            assert len(await storage.outbox.pending(1000)) >= kept + 20


async def test_a_killed_redis_is_an_empty_cache_and_then_serves_again(data_dir: Path) -> None:
    embedded, now = Embedded(data_dir, durable=False), [0.0]
    async with embedded as servers, open_cache(servers.redis_url) as opened:
        cache = RedisCache(opened.client, Breaker(lambda: now[0]))
        await cache.put("k", b"kept", 60)
        os.kill(embedded.supervisor.pids["redis"], signal.SIGKILL)
        await outlast_silence(cache)
        await outlast(cache.ping)
        assert await cache.get("k") is None  # the breaker is still open
        now[0] += 1.0
        assert await cache.get("k") == b"kept"


async def outlast_silence(cache: RedisCache) -> None:
    """Ask until the death is noticed."""
    async with asyncio.timeout(5):
        while await cache.get("k") is not None:
            pass


async def test_a_database_that_never_was_is_unavailable() -> None:
    async with open_database(NOWHERE) as database:
        with pytest.raises(StorageUnavailableError, match="Postgres"):
            await database.ping()


async def test_a_pool_without_a_free_connection_is_unavailable(database_url: str) -> None:
    async with open_database(database_url, connections_max=1, acquire_seconds=0.05) as database:
        async with database.transaction():
            with pytest.raises(StorageUnavailableError):
                await database.ping()
        await database.ping()


async def test_a_statement_that_takes_too_long_is_unavailable_and_frees_its_connection(
    database_url: str,
) -> None:
    async with open_database(database_url, connections_max=1, command_seconds=0.1) as database:
        with pytest.raises(StorageUnavailableError):
            await database.fetch("select pg_sleep(60)")
        await database.ping()


async def test_an_ended_session_is_unavailable_once(database_url: str) -> None:
    async with (
        open_database(database_url, connections_max=1) as database,
        open_database(database_url) as other,
    ):
        await database.ping()
        await other.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() limit 1"
        )
        await outlast(database.ping)


async def test_a_mistake_in_a_statement_is_no_outage(database_url: str) -> None:
    async with open_database(database_url) as database:
        with pytest.raises(Exception, match="nothing") as mistake:
            await database.fetch("select * from nothing limit 1")
    assert not isinstance(mistake.value, StorageUnavailableError)


@dataclass
class Silent:
    """A server that takes connections and never says a word."""

    port: int = 0
    visits: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def visit(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        self.writers.append(writer)


@asynccontextmanager
async def silent_server() -> AsyncIterator[Silent]:
    silent = Silent()
    async with await asyncio.start_server(silent.visit, "127.0.0.1", 0) as server:
        silent.port = server.sockets[0].getsockname()[1]
        yield silent
        for writer in silent.writers:
            writer.close()


async def test_a_silent_redis_is_asked_once_a_second() -> None:
    now = [0.0]
    async with silent_server() as silent, open_cache(f"redis://127.0.0.1:{silent.port}") as opened:
        cache = RedisCache(opened.client, Breaker(lambda: now[0]))
        for _ in range(3):
            await cache.put("k", b"v", 60)
            assert await cache.get("k") is None
        assert silent.visits == 1
        now[0] += 1.0
        assert await cache.get("k") is None
        assert silent.visits == 2
        with pytest.raises(StorageUnavailableError, match="Redis"):
            await cache.ping()


async def test_a_silent_database_is_unavailable() -> None:
    async with (
        silent_server() as silent,
        open_database(f"postgresql://a:b@127.0.0.1:{silent.port}/c", acquire_seconds=0.1) as database,
    ):
        with pytest.raises(StorageUnavailableError):
            await database.ping()
