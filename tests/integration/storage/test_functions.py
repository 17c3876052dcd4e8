"""Functions of the database lend nobody its owner's rights, and mean our tables whatever has their name."""

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from storage.migrations import migrate
from tests.conftest import ServerUrls
from tests.contract.storage_values import OWNER

GATEWAY, ACTOR = "truthtok_gateway", "truthtok_actor"
FUNCTIONS = """
select oid::regprocedure::text as name, prosecdef as lends_rights, prosqlbody is not null as bound,
    array(
        select coalesce(nullif(grantee, 0)::regrole::text, 'public')
        from aclexplode(coalesce(proacl, acldefault('f', proowner)))
        where grantee <> proowner
        order by 1
    ) as callers,
    coalesce(proconfig, '{}') as settings
from pg_proc
where pronamespace = 'public'::regnamespace
order by 1
"""
LENT = {"email_is_taken(bytea[],uuid)": [ACTOR, GATEWAY], "forget_old_keys()": []}
"""Who may call what runs with the owner's rights; a trigger needs nobody."""


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def gateway(url_as: Callable[[str], str]) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the user of a process that serves clients."""
    connection = await asyncpg.connect(url_as(GATEWAY))
    yield connection
    await connection.close()


async def test_the_owners_rights_are_lent_to_those_alone_who_need_them(owner: asyncpg.Connection) -> None:
    lent = {row["name"]: row["callers"] for row in await owner.fetch(FUNCTIONS) if row["lends_rights"]}
    assert lent == LENT


async def test_every_function_means_our_tables_before_temporary_ones(owner: asyncpg.Connection) -> None:
    found = await owner.fetch(FUNCTIONS)
    assert len(found) > len(LENT)
    loose = [
        row["name"]
        for row in found
        if (row["lends_rights"] or not row["bound"]) and row["settings"] != ["search_path=public, pg_temp"]
    ]
    assert loose == []


async def test_nobody_hangs_a_function_with_the_owners_rights_on_a_table_of_their_own(
    gateway: asyncpg.Connection,
) -> None:
    await gateway.execute("create temp table mine (user_id uuid, key text, claimed_at timestamptz)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for function"):
        await gateway.execute(
            "create trigger t after insert on mine for each statement execute function forget_old_keys()"
        )


async def test_keys_are_forgotten_in_their_own_table_alone(owner: asyncpg.Connection) -> None:
    await owner.execute("create table other (user_id uuid, key text, claimed_at timestamptz)")
    await owner.execute(
        "create trigger t after insert on other for each statement execute function forget_old_keys()"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only idempotency_keys forgets"):
        await owner.execute("insert into other default values")


@pytest.mark.parametrize("group", [GATEWAY, ACTOR])
async def test_who_serves_or_works_makes_no_tables_in_a_database_that_was_migrated(
    servers: ServerUrls, group: str
) -> None:
    """In a database of its own: a copy of the template does not have the template's grants."""
    name = f"test_{uuid4().hex}"
    url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    maker = await asyncpg.connect(servers.database_url)
    await maker.execute(f"create database {name}")
    try:
        await migrate(url)
        asked = "has_database_privilege($1, $2, 'temporary'), has_database_privilege($1, $2, 'create')"
        assert tuple(await maker.fetchrow(f"select {asked}", group, name)) == (False, False)
    finally:
        await maker.execute(f"drop database {name} with (force)")
        await maker.close()


async def test_a_temporary_table_is_not_taken_for_ours(
    owner: asyncpg.Connection, gateway: asyncpg.Connection
) -> None:
    """Somebody else's session, which a table of one's own claims to be one's own."""
    session_id = uuid4()
    values = "values ($1, $2, now(), now())"
    await owner.execute(
        f"insert into sessions (id, user_id, created_at, expires_at) {values}",
        session_id,
        OWNER,
    )
    await gateway.execute("create temp table sessions (id uuid)")
    await gateway.execute("insert into sessions values ($1)", session_id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="another account"):
        await gateway.execute(
            "insert into public.refresh_tokens (token_hash, session_id, created_at) values ($1, $2, now())",
            b"t" * 32,
            session_id,
        )


@pytest.mark.parametrize("role", ["creator", "moderator", "admin"])
async def test_nobody_gives_themselves_more_than_they_have(
    owner: asyncpg.Connection, gateway: asyncpg.Connection, role: str
) -> None:
    await owner.execute("update users set role = 'viewer' where id = $1", OWNER)
    await gateway.fetch("select set_config('truthtok.user_id', $1, false)", str(OWNER))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only an administrator"):
        await gateway.execute("update users set role = $2 where id = $1", OWNER, role)
