import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import asyncpg
import nats
import pytest
import redis.asyncio
from redis.exceptions import AuthenticationError

from deploy.embedded import Embedded, Servers
from deploy.embedded.exchange import answers

PROBER_IS = "a prober"
USERS = f"""
accounts {{
  TRUTHTOK {{ jetstream: enabled, users: [ {{ user: "prober", password: "{PROBER_IS}" }} ] }}
}}
"""


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def write(servers: Servers) -> None:
    database = await asyncpg.connect(servers.database_url)
    await database.execute("create table kept as select 'in postgres' as text")
    await database.close()
    async with redis.asyncio.from_url(servers.redis_url) as client:
        await client.set("kept", "in redis")
    client = await nats.connect(servers.nats_url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.jetstream().publish("kept", b"in nats")
    await client.close()


async def read(servers: Servers) -> list[str]:
    database = await asyncpg.connect(servers.database_url)
    in_postgres = await database.fetchval("select text from kept")
    await database.close()
    async with redis.asyncio.from_url(servers.redis_url, decode_responses=True) as client:
        in_redis = await client.get("kept")
    client = await nats.connect(servers.nats_url)
    in_nats = await client.jetstream().get_msg("KEPT", 1)
    await client.close()
    return [in_postgres, in_redis, in_nats.data.decode()]


KEPT = ["in postgres", "in redis", "in nats"]


async def test_data_and_addresses_survive_a_restart(data_dir: Path) -> None:
    async with Embedded(data_dir) as first:
        await write(first)
    async with Embedded(data_dir) as second:
        assert second.ports == first.ports
        assert await read(second) == KEPT


@pytest.mark.parametrize("name", ["postgres", "redis", "nats"])
async def test_a_killed_server_comes_back_at_its_address_with_its_data(data_dir: Path, name: str) -> None:
    stack = Embedded(data_dir, durable=False)
    async with stack as servers:
        await write(servers)
        first = stack.supervisor.pids[name]
        os.kill(first, signal.SIGKILL)
        await until(lambda: stack.supervisor.pids.get(name, first) != first)
        await stack.supervisor.serving(name)
        assert await read(servers) == KEPT


async def test_postgres_is_utf8_utc_and_independent_of_the_locale(servers: Servers) -> None:
    database = await asyncpg.connect(servers.database_url)
    settings = await database.fetchrow(
        "select current_setting('server_encoding'), current_setting('TimeZone'), datlocale, upper('é')"
        " from pg_database where datname = current_database()"
    )
    await database.close()
    assert tuple(settings) == ("UTF8", "UTC", "C.UTF-8", "É")


async def test_postgres_wants_its_password(servers: Servers) -> None:
    host = servers.database_url.rpartition("@")[2]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://truthtok:wrong@{host}")


async def test_redis_wants_its_password(servers: Servers) -> None:
    host = servers.redis_url.rpartition("@")[2]
    async with redis.asyncio.from_url(f"redis://{host}") as client:
        with pytest.raises(AuthenticationError):
            await client.ping()


async def test_nats_wants_its_password(servers: Servers) -> None:
    port = int(servers.nats_url.rpartition(":")[2])
    assert await answers(port, b"CONNECT {}\r\nPING\r\n", b"-ERR 'Authorization Violation'")


async def test_given_accounts_replace_the_password_of_nats(data_dir: Path) -> None:
    accounts = data_dir / "my accounts.conf"
    accounts.write_text(USERS)
    async with Embedded(data_dir / "data", nats_config=accounts, durable=False) as servers:
        assert "@" not in servers.nats_url
        client = await nats.connect(servers.nats_url, user="prober", password=PROBER_IS)
        assert (await client.jetstream().account_info()).streams == 0
        await client.close()


async def test_a_port_that_somebody_took_is_chosen_again(data_dir: Path) -> None:
    async with Embedded(data_dir, durable=False) as first:
        pass
    with socket.create_server(("127.0.0.1", first.ports["postgres"])):
        async with Embedded(data_dir, durable=False) as second:
            assert second.ports["postgres"] != first.ports["postgres"]
            assert second.ports["nats"] == first.ports["nats"]


async def test_a_pid_file_with_a_recycled_pid_does_not_keep_postgres_down(data_dir: Path) -> None:
    async with Embedded(data_dir, durable=False):
        pass
    stale = data_dir / "postgres" / "cluster" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n1795000000\n5432\n\n127.0.0.1\n")
    async with Embedded(data_dir, durable=False):
        assert stale.read_text().split("\n")[0] != str(os.getpid())


async def test_secrets_are_for_their_owner_only(data_dir: Path) -> None:
    async with Embedded(data_dir, durable=False) as servers:
        secrets = [
            part.partition("@")[0].rpartition(":")[2] for part in (servers.database_url, servers.redis_url)
        ]
        holders = files_with(data_dir, secrets)
    assert len(holders) >= 3
    assert {file.stat().st_mode & 0o077 for file in holders} == {0}


def files_with(data_dir: Path, texts: list[str]) -> list[Path]:
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    return [file for file in files if any(text.encode() in file.read_bytes() for text in texts)]
