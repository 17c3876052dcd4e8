"""The database users of a stack's processes."""

from pathlib import Path

import asyncpg
import pytest

from deploy.embedded import Embedded
from deploy.embedded.members import GROUPS
from deploy.stack_errors import StackError
from storage.migrations import migrate
from storage.postgres.confinement import find_freedom


async def who_connects(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        name: str = await connection.fetchval("select current_user::text")
        return name
    finally:
        await connection.close()


async def test_every_process_has_a_database_user_of_its_own_that_comes_back(data_dir: Path) -> None:
    async with Embedded(data_dir, durable=False) as servers:
        await migrate(servers.database_url)
        await servers.admit_members()
        first = {who: servers.database_url_of(who) for who in GROUPS}
        assert {await who_connects(url) for url in first.values()} == {f"truthtok_{who}" for who in GROUPS}
        assert [who for who in GROUPS if await find_freedom(first[who]) is None] == ["api", "media"]
    async with Embedded(data_dir, durable=False) as servers:
        await servers.admit_members()
        assert {who: servers.database_url_of(who) for who in GROUPS} == first


async def test_a_password_that_was_lost_is_replaced(data_dir: Path) -> None:
    async with Embedded(data_dir, durable=False) as servers:
        await migrate(servers.database_url)
        await servers.admit_members()
        lost = servers.database_url_of("api")
    (data_dir / "postgres.api.password").unlink()
    async with Embedded(data_dir, durable=False) as servers:
        await servers.admit_members()
        assert await who_connects(servers.database_url_of("api")) == "truthtok_api"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await who_connects(lost)


async def test_members_wait_for_the_migrations(data_dir: Path) -> None:
    async with Embedded(data_dir, durable=False) as servers:
        with pytest.raises(StackError, match="truthtok_gateway"):
            await servers.admit_members()


async def test_passwords_of_members_are_for_their_owner_only(data_dir: Path) -> None:
    async with Embedded(data_dir, durable=False):
        files = [data_dir / f"postgres.{who}.password" for who in GROUPS]
        assert {file.stat().st_mode & 0o077 for file in files} == {0}
        assert len({file.read_text() for file in files}) == len(files)
