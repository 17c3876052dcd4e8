"""Migrations against a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from itertools import chain
from pathlib import Path

import asyncpg
import pytest

from storage.errors import StorageUnavailableError
from storage.migrations import MigrationError, migrate, pending, read_migrations
from storage.records import LOCAL_USER_ID

HOUSE = [migration.name for migration in read_migrations()]
CONCURRENTLY = """-- no transaction
drop index if exists animals_by_name;
create unique index concurrently animals_by_name on animals (name);
"""


@pytest.fixture
async def connection(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(empty_database_url)
    yield opened
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_animals.sql").write_text("create table animals (name text);")
    (tmp_path / "0002_names.sql").write_text("insert into animals values ('cat');")
    return tmp_path


async def test_an_empty_database_gets_every_migration_once_and_the_local_user(
    empty_database_url: str, connection: asyncpg.Connection
) -> None:
    assert await pending(empty_database_url) == HOUSE
    assert await migrate(empty_database_url) == HOUSE
    assert await migrate(empty_database_url) == []
    assert await pending(empty_database_url) == []
    assert await connection.fetchval("select id from users") == LOCAL_USER_ID


async def test_asking_what_is_pending_changes_nothing(
    empty_database_url: str, connection: asyncpg.Connection
) -> None:
    await pending(empty_database_url)
    assert await connection.fetchval("select to_regclass('schema_migrations')") is None


async def test_of_many_migrators_at_once_each_file_is_applied_by_one(
    empty_database_url: str, folder: Path, connection: asyncpg.Connection
) -> None:
    (folder / "0003_index.sql").write_text(CONCURRENTLY)
    applied = await asyncio.gather(*(migrate(empty_database_url, folder) for _ in range(4)))
    assert sorted(chain.from_iterable(applied)) == ["0001_animals.sql", "0002_names.sql", "0003_index.sql"]
    assert await connection.fetchval("select count(*) from animals") == 1


async def test_a_file_edited_after_it_was_applied_stops_everything(
    empty_database_url: str, folder: Path, connection: asyncpg.Connection
) -> None:
    await migrate(empty_database_url, folder)
    (folder / "0001_animals.sql").write_text("create table plants (name text);")
    (folder / "0003_more.sql").write_text("insert into animals values ('dog');")
    for work in (migrate, pending):
        with pytest.raises(MigrationError, match=r"0001_animals.sql was edited"):
            await work(empty_database_url, folder)
    assert await connection.fetchval("select count(*) from animals") == 1


async def test_a_refused_file_is_named_changes_nothing_and_can_be_mended(
    empty_database_url: str, folder: Path, connection: asyncpg.Connection
) -> None:
    broken = folder / "0003_broken.sql"
    broken.write_text("insert into animals values ('dog'); insert into nothing values (1);")
    with pytest.raises(MigrationError, match=r"0003_broken.sql: .*nothing"):
        await migrate(empty_database_url, folder)
    assert await connection.fetchval("select count(*) from animals") == 1
    broken.write_text("insert into animals values ('dog');")
    assert await migrate(empty_database_url, folder) == ["0003_broken.sql"]


async def test_a_file_without_transaction_runs_again_after_it_broke(
    empty_database_url: str, folder: Path, connection: asyncpg.Connection
) -> None:
    (folder / "0002_names.sql").write_text("insert into animals values ('cat'), ('cat');")
    (folder / "0003_index.sql").write_text(CONCURRENTLY)
    with pytest.raises(MigrationError, match=r"0003_index.sql"):
        await migrate(empty_database_url, folder)
    assert await pending(empty_database_url, folder) == ["0003_index.sql"]
    await connection.execute("delete from animals where ctid = (select min(ctid) from animals)")
    assert await migrate(empty_database_url, folder) == ["0003_index.sql"]
    assert await connection.fetchval(
        "select indisvalid from pg_index where indexrelid::regclass::text ~ 'name'"
    )


async def test_older_code_meets_a_newer_database(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url, folder)
    (folder / "0002_names.sql").unlink()
    assert await pending(empty_database_url, folder) == []
    assert await migrate(empty_database_url, folder) == []


async def test_a_folder_without_migrations_is_an_error(empty_database_url: str, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="no migrations"):
        await migrate(empty_database_url, tmp_path)


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StorageUnavailableError):
        await migrate("postgresql://nobody@127.0.0.1:9/none")
