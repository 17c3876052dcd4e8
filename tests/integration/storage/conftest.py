from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from tests.conftest import ServerUrls


@pytest.fixture
async def empty_database_url(servers: ServerUrls) -> AsyncIterator[str]:
    """The URL of a database without any table, dropped after the test."""
    name = f"empty_{uuid4().hex}"
    connection = await asyncpg.connect(servers.database_url)
    try:
        await connection.execute(f"create database {name}")
        yield urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
        await connection.execute(f"drop database {name} with (force)")
    finally:
        await connection.close()
