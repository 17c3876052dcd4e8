"""The twin and the real thing, for every storage contract."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from storage.bundle import Storage
from storage.memory import MemoryObjects, MemoryStorage
from storage.opening import open_storage
from storage.records import LOCAL_USER_ID
from storage.sealing import Vault
from tests.conftest import ServerUrls, in_own_loop
from tests.contract.storage_values import STRANGER

# Nothing listens on the discard port: these contracts never ask the cache.
NO_REDIS = "redis://127.0.0.1:9"
DATABASE = "storage_contracts"
VAULT = Vault((bytes(range(32)),))
EMPTY = f"""
delete from outbox; delete from idempotency_keys; delete from uploads; delete from videos;
delete from users where id not in ('{LOCAL_USER_ID}', '{STRANGER}');
delete from sessions; delete from api_keys; delete from upload_days;
update users set role = 'creator', closed_at = null, password_hash = null,
    data_key = null, email_hash = null, email_sealed = null, name_sealed = null;
set session_replication_role = replica; -- past the trigger that guards the audit trail
delete from audit_entries;
set session_replication_role = origin;
"""  # noqa: S608 - both are constants


@pytest.fixture(scope="session")
def shared_database_url(servers: ServerUrls, migrated_template: str) -> str:
    """One migrated database for all contracts: emptying it takes a tenth of making another."""
    url = urlsplit(servers.database_url)._replace(path=f"/{DATABASE}").geturl()
    create = f'create database {DATABASE} template "{migrated_template}"'
    in_own_loop(_execute(servers.database_url, create))
    in_own_loop(_execute(url, f"insert into users (id) values ('{STRANGER}')"))  # noqa: S608
    return url


@pytest.fixture(params=["twin", "postgres"])
def storage_url(request: pytest.FixtureRequest) -> str | None:
    """The database to keep things in, or None for the twin."""
    return None if request.param == "twin" else request.getfixturevalue("shared_database_url")


@pytest.fixture
async def storage(storage_url: str | None) -> AsyncIterator[Storage]:
    """Empty storage of one kind or the other, with two users."""
    if storage_url is None:
        yield MemoryStorage().bundle()
        return
    await _execute(storage_url, EMPTY)
    async with open_storage(storage_url, MemoryObjects(), NO_REDIS, vault=VAULT) as opened:
        yield opened


async def _execute(database_url: str, statements: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
