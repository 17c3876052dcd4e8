"""Real servers for tests: one stack per test process, started when the first test asks for it.

`database_url`  a migrated database of this test's own, as the superuser who migrated it
`url_as`        the same as a member of truthtok_gateway or truthtok_actor
`redis_url`     a Redis that was emptied before this test
`nats_url`      a JetStream without streams; those the test makes are deleted after it
`servers`       the three URLs without any of that care

Without the servers' binaries these tests skip, or fail when CI=true.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import nats
import pytest
import redis
from hypothesis import HealthCheck, settings
from nats.aio.client import Client as NatsClient

from actors.engines.sandbox.capabilities import ALL, SYS_NICE, keep_capabilities
from deploy import leash
from deploy.embedded import binaries
from deploy.embedded.members import Member, admit
from deploy.stack_errors import BinaryMissingError

# How long an example takes is the machine's affair: no test of ours is a measurement.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

ROOT = Path(__file__).parents[1]
TEMPLATE = "template_migrated"
MEMORY = "/dev/shm"  # noqa: S108 - what is made in it has a random name
ENOUGH_BYTES = 2 * 1024**3


@pytest.fixture(scope="session", autouse=True)
def ordinary_priority() -> None:
    """An encoder that a test runs in this process gets no real-time priority over everything else here."""
    keep_capabilities(ALL & ~SYS_NICE)


@dataclass(frozen=True, kw_only=True)
class ServerUrls:
    """Where the servers of this test process listen."""

    database_url: str
    redis_url: str
    nats_url: str


@pytest.fixture(scope="session")
def server_binaries() -> None:
    """Skip the test when a server is not installed; fail it in CI."""
    try:
        binaries.get_nats_server(), binaries.get_redis_server(), binaries.get_postgres_tree()
    except BinaryMissingError as error:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(str(error))


@pytest.fixture(scope="session")
def quickest_directory() -> str | None:
    """Memory where there is enough: there a database is copied in 8 ms, on a disk in up to 300 ms."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES and os.access(MEMORY, os.W_OK):
            return MEMORY
    return None


@pytest.fixture(scope="session")
def servers(server_binaries: None, quickest_directory: str | None) -> Iterator[ServerUrls]:
    """Start the three servers in a temporary directory, in a process of their own that ends with this one."""
    data = tempfile.mkdtemp(prefix="truthtok-", dir=quickest_directory)
    # Open to others, unlike pytest's own directories: when root runs the tests, Postgres is another user.
    Path(data).chmod(0o755)
    tied = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGTERM)), "-"]
    command = [sys.executable, "-m", "deploy.embedded", data, "--fast", "--remove"]
    with subprocess.Popen(
        [*tied, *command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line, "the servers did not start, see above"
        yield ServerUrls(**json.loads(line))
        process.terminate()


@pytest.fixture(scope="session")
def migrated_template(servers: ServerUrls) -> str:
    """The name of a database with all migrations, to copy from."""
    in_own_loop(_make_template(servers.database_url))
    return TEMPLATE


@pytest.fixture
async def database_url(servers: ServerUrls, migrated_template: str) -> AsyncIterator[str]:
    """The URL of a fresh migrated database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    await _execute(
        servers.database_url, f'create database "{name}" template "{migrated_template}" strategy file_copy'
    )
    yield _with_database(servers.database_url, name)
    await _execute(servers.database_url, f'drop database "{name}" with (force)')


@pytest.fixture(scope="session")
def members(servers: ServerUrls, migrated_template: str) -> dict[str, Member]:
    """A database user of each group, by the name of the group."""
    groups = ("truthtok_gateway", "truthtok_actor")
    members = {group: Member(f"test_{group}", group, uuid4().hex) for group in groups}
    in_own_loop(admit(servers.database_url, members.values()))
    return members


@pytest.fixture
def url_as(database_url: str, members: dict[str, Member]) -> Callable[[str], str]:
    """Says where a member of a group connects to the test's own database."""

    def url_of(group: str) -> str:
        place, member = urlsplit(database_url), members[group]
        at = place.netloc.rpartition("@")[2]
        return place._replace(netloc=f"{member.name}:{member.password}@{at}").geturl()

    return url_of


@pytest.fixture
def redis_url(servers: ServerUrls) -> str:
    """The URL of an empty Redis."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
async def nats_url(servers: ServerUrls) -> AsyncIterator[str]:
    """The URL of a JetStream without streams."""
    yield servers.nats_url
    await _delete_streams(servers.nats_url)


def in_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end without touching the test's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _make_template(url: str) -> None:
    await _execute(url, f'create database "{TEMPLATE}"')
    if find_spec("storage.migrations"):
        await import_module("storage.migrations").migrate(_with_database(url, TEMPLATE))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def _delete_streams(url: str) -> None:
    client = await nats.connect(url)
    try:
        while streams := await _stream_names(client):
            for stream in streams:
                await client.request(f"$JS.API.STREAM.DELETE.{stream}", timeout=5)
    finally:
        await client.close()


async def _stream_names(client: NatsClient) -> list[str]:
    answer = await client.request("$JS.API.STREAM.NAMES", timeout=5)
    return json.loads(answer.data).get("streams") or []
