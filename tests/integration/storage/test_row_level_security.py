"""The second wall: whatever a query says or forgets to say, Postgres holds the gateway to whoever asks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from storage.asking import ANYBODY, SIGN_IN, Asking, asking_as
from storage.identity_records import NOBODY_ID
from storage.migrations import MigrationError, migrate, pending
from storage.postgres.confinement import find_freedom
from storage.postgres.pool import Database, open_database
from storage.postgres.uploads import PostgresUploads
from storage.queries import Queries
from tests.conftest import ServerUrls, in_own_loop
from tests.integration.storage.hostile_queries import (
    ADMIN,
    AUDITOR,
    CASES,
    CLOSED,
    MARK,
    MODERATOR,
    NOBODYS,
    OPEN,
    PART,
    SESSION,
    VIDEO,
    WORLD,
    A,
    B,
    other,
)

FILES = sorted(path.name.removesuffix(".sql") for path in files("storage").joinpath("sql").iterdir())
UNGUARDED = {
    "outbox": "messages are the relay's, not a user's",
    "schema_migrations": "names of files",
}
VIEWS = {"seen_videos"}
GATEWAY, ACTOR = "truthtok_gateway", "truthtok_actor"
STRANGERS = {
    "unset": None,
    "nobody": ANYBODY,
    "another": Asking(user_id=B, role="creator"),
    "holder": Asking(user_id=B, upload_id=other(99)),
}
ABOUT_VIDEOS = {"videos", "stages", "renditions", "uploads"}
EVERY = [(file, name) for file, cases in CASES.items() for name in cases]
TELL = (
    "select set_config('truthtok.user_id', $1, true), set_config('truthtok.role', $2, true),"
    " set_config('truthtok.upload_id', $3, true)"
)
FOR_FOREIGN_VIDEO = f"""
insert into uploads (id, user_id, video_id, content_type, partial, created_at, expires_at)
values ('{other(1)}', '{B}', '{VIDEO}', '', false, now(), now())
"""  # noqa: S608 - a test's own text
_KEPT_COLUMNS = "visibility, placed_by_owner, priority, created_at, updated_at"
FOR_ANOTHER = [
    f"insert into {table} ({columns}) values ({values})"  # noqa: S608
    for table, columns, values in (
        (
            "videos",
            f"id, user_id, title, title_words, description_words, {_KEPT_COLUMNS}",
            f"'{other(1)}', '{A}', '', '{{}}', '{{}}', 'public', false, 'low', now(), now()",
        ),
        (
            "uploads",
            "id, user_id, content_type, partial, created_at, expires_at",
            f"'{other(1)}', '{A}', '', false, now(), now()",
        ),
        ("upload_segments", "upload_id, offset_bytes, key, size_bytes", f"'{OPEN}', 9, 'x', 1"),
        ("sessions", "id, user_id, created_at, expires_at", f"'{other(1)}', '{A}', now(), now()"),
        ("idempotency_keys", "user_id, key, fingerprint, resource_id", f"'{A}', 'x', 'x', '{A}'"),
        ("upload_days", "user_id, day, uploads, size_bytes", f"'{A}', now(), 1, 1"),
    )
]
FOR_FOREIGN_SESSION = f"""
insert into refresh_tokens (token_hash, session_id, created_at)
values (decode(repeat('cc', 32), 'hex'), '{SESSION}', now())
"""  # noqa: S608
GUARDED = "select relname from pg_class where relrowsecurity order by relname"


@pytest.fixture(scope="session")
def peopled_url(servers: ServerUrls, migrated_template: str) -> Iterator[str]:
    """A database with what is A's: each test undoes what it did."""
    url = urlsplit(servers.database_url)._replace(path="/peopled").geturl()
    in_own_loop(_execute(servers.database_url, f'create database peopled template "{migrated_template}"'))
    in_own_loop(_execute(url, WORLD))
    yield url
    in_own_loop(_execute(servers.database_url, "drop database peopled with (force)"))


async def _execute(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


@pytest.fixture
async def superuser(peopled_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a transaction that is rolled back."""
    connection = await asyncpg.connect(peopled_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def become(connection: asyncpg.Connection, asking: Asking | None, role: str = GATEWAY) -> None:
    if asking is not None:
        await connection.execute("reset role")
        await connection.fetchrow(TELL, str(asking.user_id), asking.role, str(asking.upload_id))
    await connection.execute(f"set local role {role}")


async def snapshot(connection: asyncpg.Connection) -> set[str]:
    """Every row of every guarded table, as text."""
    tables = [row["relname"] for row in await connection.fetch(GUARDED)]
    every = " union all ".join(f"select '{table} ' || t::text as row from {table} t" for table in tables)  # noqa: S608
    return {row["row"] for row in await connection.fetch(every)}


async def run(connection: asyncpg.Connection, file: str, name: str) -> list[Any]:
    """Run a query with what is A's. To be denied is to see nothing."""
    with suppress(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            return await connection.fetch(Queries.read(file)[name], *CASES[file][name].given)
    return []


async def touches(
    connection: asyncpg.Connection, asking: Asking | None, file: str, name: str, *, role: str = GATEWAY
) -> list[str]:
    """What a query that is given A's things shows and changes of them; undone afterwards."""
    before = await snapshot(connection)
    undo = connection.transaction()
    await undo.start()
    await become(connection, asking, role)
    rows = await run(connection, file, name)
    await connection.execute("reset role")
    after = await snapshot(connection)
    await undo.rollback()
    shown = [f"shows {row}" for row in rows if MARK in str(row) or "\\xaa\\xaa" in str(row)]
    changed = [f"changes {row}" for row in before ^ after if "aaaaaa" in row]
    return shown + sorted(changed)


async def all_of(connection: asyncpg.Connection, file: str, name: str) -> list[str]:
    """What the query shows and changes where no policy applies."""
    return await touches(connection, None, file, name, role="none")


@pytest.mark.parametrize("file", FILES)
def test_every_query_is_tried_on_strangers_or_its_data_is_nobodys(file: str) -> None:
    assert sorted([*CASES.get(file, ()), *NOBODYS.get(file, ())]) == sorted(Queries.read(file))


@pytest.mark.parametrize(("file", "name"), EVERY)
async def test_without_policies_a_query_reaches_what_it_is_given(
    superuser: asyncpg.Connection, file: str, name: str
) -> None:
    """Or the next tests would prove nothing."""
    assert await all_of(superuser, file, name)


@pytest.mark.parametrize(("file", "name"), EVERY)
async def test_no_query_shows_or_changes_what_is_anothers(
    superuser: asyncpg.Connection, file: str, name: str
) -> None:
    touched = {who: await touches(superuser, asking, file, name) for who, asking in STRANGERS.items()}
    assert {who: what for who, what in touched.items() if what} == {}


@pytest.mark.parametrize(("file", "name"), [one for one in EVERY if CASES[one[0]][one[1]].asker])
async def test_whoever_may_run_a_query_is_not_kept_from_it(
    superuser: asyncpg.Connection, file: str, name: str
) -> None:
    assert await touches(superuser, CASES[file][name].asker, file, name) == await all_of(
        superuser, file, name
    )


@pytest.mark.parametrize(("file", "name"), EVERY)
async def test_actors_work_for_everybody(superuser: asyncpg.Connection, file: str, name: str) -> None:
    assert await touches(superuser, None, file, name, role=ACTOR) == await all_of(superuser, file, name)


@pytest.mark.parametrize(("file", "name"), [one for one in EVERY if one[0] in {*ABOUT_VIDEOS, "idempotency"}])
async def test_who_signs_in_reaches_no_video(superuser: asyncpg.Connection, file: str, name: str) -> None:
    assert await touches(superuser, SIGN_IN, file, name) == []


@pytest.mark.parametrize("asker", [MODERATOR, AUDITOR], ids=lambda one: one.role)
@pytest.mark.parametrize(("file", "name"), [one for one in EVERY if one[0] not in {*ABOUT_VIDEOS, "audit"}])
async def test_power_over_videos_or_the_audit_trail_is_none_over_accounts(
    superuser: asyncpg.Connection, file: str, name: str, asker: Asking
) -> None:
    seen = await touches(superuser, asker, file, name)
    assert seen == [] or (asker is MODERATOR and name in {"terminate_uploads", "videos_of_closed"})


@pytest.mark.parametrize("name", ["find_video", "page_videos", "edit_video", "remove_video", "reopen_video"])
@pytest.mark.parametrize("asker", [MODERATOR, ADMIN], ids=lambda one: one.role)
async def test_moderators_reach_every_video(superuser: asyncpg.Connection, name: str, asker: Asking) -> None:
    assert await touches(superuser, asker, "videos", name) == await all_of(superuser, "videos", name)


async def test_a_filter_that_was_forgotten_leaks_nothing(superuser: asyncpg.Connection) -> None:
    tables = [row["relname"] for row in await superuser.fetch(GUARDED)]
    await become(superuser, STRANGERS["another"])
    for table in (*tables, *VIEWS):
        rows = await superuser.fetch(f"select t::text from {table} t")  # noqa: S608
        assert not [row for row in rows if MARK in row[0]], table


@pytest.mark.parametrize(
    "statement",
    [
        *(f"delete from {table}" for table in ("videos", "idempotency_keys", "upload_days")),  # noqa: S608
        *(f"delete from {table}" for table in ("sessions", "refresh_tokens", "api_keys")),  # noqa: S608
        "update videos set title = ''",
        "update stages set attempt = 9",
        "update uploads set filename = ''",
        "update upload_segments set key = 'x'",
        "update users set closed_at = now()",
        "update sessions set revoked_at = now()",
        "update refresh_tokens set used_at = now()",
        "update api_keys set revoked_at = now()",
        "update upload_days set uploads = 9",
        "update idempotency_keys set fingerprint = 'x'",
    ],
)
async def test_writes_without_a_filter_change_only_ones_own(
    superuser: asyncpg.Connection, statement: str
) -> None:
    before = await snapshot(superuser)
    for stranger in (*STRANGERS.values(), AUDITOR):
        await become(superuser, stranger)
        await superuser.execute(statement)
        await superuser.execute("reset role")
        assert [row for row in before ^ await snapshot(superuser) if "aaaaaa" in row] == []


ENDINGS = {"revoke_sessions", "end_sessions"}
"""Signing in ends a session whose token was stolen: of sessions it may end any."""


@pytest.mark.parametrize(
    ("file", "name"), [one for one in EVERY if one[0] not in ABOUT_VIDEOS and one[1] not in ENDINGS]
)
async def test_who_signs_in_changes_no_account(superuser: asyncpg.Connection, file: str, name: str) -> None:
    touched = await touches(superuser, SIGN_IN, file, name)
    assert CASES[file][name].asker is SIGN_IN or not [one for one in touched if one.startswith("changes")]


@pytest.mark.parametrize(
    "statement",
    [
        *FOR_ANOTHER,
        FOR_FOREIGN_VIDEO,
        FOR_FOREIGN_SESSION,
        f"update users set role = 'admin' where id = '{B}'",  # noqa: S608
        "update audit_entries set action = 'x'",
        "delete from audit_entries",
        "delete from users",
        "truncate videos",
        "alter table videos disable row level security",
        "insert into schema_migrations (name, sha256) values ('x', 'x')",
    ],
)
async def test_what_nobody_may_is_refused(superuser: asyncpg.Connection, statement: str) -> None:
    await become(superuser, STRANGERS["another"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await superuser.execute(statement)


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_anybody_adds_to_the_audit_trail(superuser: asyncpg.Connection, stranger: str) -> None:
    line = f'[{{"id": "{other(1)}", "at": "2026-01-02T03:04:05Z", "action": "x.y", "details": {{}}}}]'
    await become(superuser, STRANGERS[stranger])
    for _ in range(2):  # a repetition changes nothing
        await superuser.execute(Queries.read("audit")["record_entries"], line)
    await superuser.execute("reset role")
    kept = await superuser.fetchval("select count(*) from audit_entries where id = $1", other(1))
    assert kept == 1


async def test_who_registers_is_no_administrator(superuser: asyncpg.Connection) -> None:
    await become(superuser, SIGN_IN)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await superuser.execute(f"insert into users (id, role) values ('{other(1)}', 'admin')")  # noqa: S608


async def test_a_signed_url_shows_its_upload_and_no_other(superuser: asyncpg.Connection) -> None:
    await become(superuser, Asking(upload_id=OPEN))
    assert [row["id"] for row in await superuser.fetch("select id from uploads")] == [OPEN]
    assert {row["upload_id"] for row in await superuser.fetch("select upload_id from upload_segments")} == {
        OPEN
    }
    assert await superuser.fetch("select id from videos") == []
    assert await superuser.execute("update uploads set filename = ''") == "UPDATE 0"


@pytest.mark.parametrize(
    "asking", [*STRANGERS.values(), Asking(user_id=A), SIGN_IN, MODERATOR, ADMIN, AUDITOR]
)
async def test_the_view_for_searching_shows_what_the_policy_does(
    superuser: asyncpg.Connection, asking: Asking | None
) -> None:
    await superuser.execute(f"update videos set visibility = 'unlisted' where user_id = '{CLOSED}'")  # noqa: S608
    await become(superuser, asking)
    behind, through = [
        await superuser.fetch(f"select id from {relation} order by id")  # noqa: S608
        for relation in ("videos", "seen_videos")
    ]
    assert through == behind != []


async def test_the_index_of_words_serves_the_search_behind_the_view(superuser: asyncpg.Connection) -> None:
    await superuser.execute("set local enable_seqscan = off; set local enable_indexscan = off")
    search = "explain select id from {} where (title_words || description_words) @> array['x']"
    await become(superuser, Asking(user_id=B))
    through, behind = [
        "\n".join(row[0] for row in await superuser.fetch(search.format(relation)))
        for relation in ("seen_videos", "videos")
    ]
    assert "videos_by_word" in through
    assert "videos_by_word" not in behind  # else the view has lost its reason


async def test_who_is_held_to_nothing_sees_all_through_the_view(superuser: asyncpg.Connection) -> None:
    for role in ("none", ACTOR):
        await become(superuser, None, role)
        assert await superuser.fetchval("select count(*) from seen_videos") == 3


async def test_every_table_is_guarded_or_holds_nothing_of_anybody(superuser: asyncpg.Connection) -> None:
    relations = await superuser.fetch(
        "select relname, relkind, relrowsecurity from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')"
    )
    open_tables = {
        row["relname"] for row in relations if row["relkind"] != b"v" and not row["relrowsecurity"]
    }
    assert open_tables == set(UNGUARDED)
    assert {row["relname"] for row in relations if row["relkind"] == b"v"} == VIEWS


async def test_old_keys_are_forgotten_whoevers_they_were(superuser: asyncpg.Connection) -> None:
    await superuser.execute("update idempotency_keys set claimed_at = now() - interval '3 days'")
    await become(superuser, Asking(user_id=B))
    claimed = await superuser.fetch(Queries.read("idempotency")["claim_key"], B, "k", "f", other(1), 1.0)
    await superuser.execute("reset role")
    assert [row["user_id"] for row in await superuser.fetch("select user_id from idempotency_keys")] == [B]
    assert len(claimed) == 1


async def test_a_session_tells_who_asks_only_when_that_changes(url_as: Callable[[str], str]) -> None:
    asked = "select asking_user() as user_id, asking_role() as role, asking_upload() as upload_id"
    async with open_database(url_as(GATEWAY), connections_max=1, asks=True) as database:
        assert await _told(database, asked) == (NOBODY_ID, "anonymous", NOBODY_ID)
        with asking_as(Asking(user_id=A, role="viewer", upload_id=OPEN)):
            assert await _told(database, asked) == (A, "viewer", OPEN)
            await _break_off(database)
            assert await _told(database, asked) == (A, "viewer", OPEN)
        assert await _told(database, asked) == (NOBODY_ID, "anonymous", NOBODY_ID)


async def _break_off(database: Database) -> None:
    with suppress(ZeroDivisionError):
        async with database.transaction() as session:
            await session.fetch("select 1")
            raise ZeroDivisionError


async def test_many_who_ask_at_once_over_few_connections_are_not_mixed_up(
    url_as: Callable[[str], str],
) -> None:
    async with open_database(url_as(GATEWAY), connections_max=3, asks=True) as database:

        async def ask(number: int) -> None:
            with asking_as(Asking(user_id=other(number))):
                for _ in range(10):
                    row = await database.fetch_row("select asking_user() as user_id, pg_sleep(0.001)")
                    assert row is not None
                    assert row["user_id"] == other(number)

        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(ask(number))


async def test_who_was_cut_off_while_telling_leaves_no_connection_that_lies(
    url_as: Callable[[str], str],
) -> None:
    async with open_database(url_as(GATEWAY), connections_max=1, asks=True) as database:
        for number in range(40):
            with asking_as(Asking(user_id=other(number))), suppress(TimeoutError):
                async with asyncio.timeout(0.0001 * number):
                    await database.fetch("select 1")
            with asking_as(Asking(user_id=A)):
                row = await database.fetch_row("select asking_user() as user_id")
                assert row is not None
                assert row["user_id"] == A


async def test_an_upload_goes_on_by_its_url_in_two_steps(
    database_url: str, url_as: Callable[[str], str]
) -> None:
    await _execute(database_url, WORLD)
    async with open_database(url_as(GATEWAY), asks=True) as database:
        uploads = PostgresUploads(database)
        with asking_as(Asking(upload_id=OPEN)):
            found = await uploads.find(OPEN)
            assert found is not None
            assert await uploads.find(PART) is None
        with asking_as(Asking(user_id=found.user_id, upload_id=OPEN)):
            again = await uploads.find(OPEN)
            assert again is not None
            assert again.priority == "high"
            assert (await uploads.declare_length(OPEN, 8)).length_bytes == 8
            assert await uploads.terminate(OPEN)


async def test_a_user_is_free_unless_it_is_a_member_of_the_gateway_alone(
    database_url: str, url_as: Callable[[str], str]
) -> None:
    assert await find_freedom(url_as(GATEWAY)) is None
    for url, why in ((database_url, "superuser"), (url_as(ACTOR), "truthtok_actor")):
        freedom = await find_freedom(url)
        assert freedom is not None
        assert why in freedom
        assert "in role truthtok_gateway" in freedom


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("create role {} login", "does not belong to truthtok_gateway"),
        ("create role {} login noinherit in role truthtok_gateway", "does not inherit"),
        ("create role {} login bypassrls in role truthtok_gateway", "BYPASSRLS"),
        ("create role {} login in role truthtok_gateway; alter table videos owner to {}", "owns the tables"),
    ],
)
async def test_a_user_who_could_see_everything_is_told_what_to_do(
    database_url: str, made: str, why: str
) -> None:
    await _with_role(database_url, made, why)


async def _with_role(database_url: str, made: str, why: str) -> None:
    name = f"free_{abs(hash(made)) % 10**9}"
    place = urlsplit(database_url)
    url = place._replace(netloc=f"{name}:x@{place.netloc.rpartition('@')[2]}").geturl()
    await _execute(database_url, f"{made.format(name, name)}; alter role {name} password 'x'")
    try:
        freedom = await find_freedom(url)
        assert freedom is not None
        assert why in freedom
    finally:
        await _execute(database_url, f"reassign owned by {name} to current_user; drop role {name}")


async def test_who_may_not_read_which_migrations_there_are_is_told_to_run_them(
    empty_database_url: str,
) -> None:
    place = urlsplit(empty_database_url)
    url = place._replace(netloc=f"early:x@{place.netloc.rpartition('@')[2]}").geturl()
    await _execute(
        empty_database_url,
        f"create role early login password 'x'; {Queries.read('migrations')['create_schema_migrations']}",
    )
    try:
        with pytest.raises(MigrationError, match="run `truthtok migrate`"):
            await pending(url)
    finally:
        await _execute(empty_database_url, "drop role early")


async def test_databases_of_one_cluster_migrate_at_once(servers: ServerUrls) -> None:
    names = [f"at_once_{number}" for number in range(4)]
    for name in names:
        await _execute(servers.database_url, f"create database {name}")
    try:
        await asyncio.gather(
            *(migrate(urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()) for name in names)
        )
    finally:
        for name in names:
            await _execute(servers.database_url, f"drop database {name} with (force)")


@pytest.fixture
async def plain_owner_url(servers: ServerUrls) -> AsyncIterator[str]:
    """An empty database of somebody who may make no roles."""
    place = urlsplit(servers.database_url)
    url = place._replace(netloc=f"plain:x@{place.netloc.rpartition('@')[2]}", path="/plain").geturl()
    await _execute(servers.database_url, "create role plain login password 'x'")
    await _execute(servers.database_url, "create database plain owner plain")
    yield url
    await _execute(servers.database_url, "drop database plain with (force)")
    await _execute(servers.database_url, "drop role plain")


async def test_who_may_make_no_roles_migrates_when_they_are_there(plain_owner_url: str) -> None:
    await migrate(plain_owner_url)
    assert await pending(plain_owner_url) == []


async def test_who_may_make_no_roles_is_told_which_to_ask_for(
    plain_owner_url: str, servers: ServerUrls
) -> None:
    await _execute(servers.database_url, f"alter role {GATEWAY} rename to hidden")
    try:
        with pytest.raises(MigrationError, match="create role truthtok_gateway nologin"):
            await migrate(plain_owner_url)
    finally:
        await _execute(servers.database_url, f"alter role hidden rename to {GATEWAY}")


async def _told(database: Database, query: str) -> tuple[Any, ...]:
    row = await database.fetch_row(query)
    assert row is not None
    return tuple(row.values())
