"""Accounts as Postgres keeps them: sealed, bound to their row, and moved from one master key to the next."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import asyncpg
import pytest

from storage.errors import EmailTakenError, SealBrokenError, VaultMissingError
from storage.identity_records import Account, AccountChanges, NewAccount
from storage.postgres.account_seals import AccountSeals
from storage.postgres.accounts import PostgresAccounts
from storage.postgres.pool import Database, open_database
from storage.records import LOCAL_USER_ID
from storage.sealing import Vault
from tests.contract.identity_values import EMAIL, HASH, new_account

OLD, NEW, THIRD = (bytes([n]) * 32 for n in (1, 2, 3))
NAME = "Wilhelmina Rainwater"
SECRETS = (EMAIL.encode(), EMAIL.lower().encode(), b"example.org", NAME.encode(), b"Rainwater")
Process = Callable[..., PostgresAccounts]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
def process(database: Database) -> Process:
    """Accounts as a process sees them that was given these master keys."""
    return lambda *keys: PostgresAccounts(database, AccountSeals(Vault(keys)))


async def people(accounts: PostgresAccounts, count: int = 1, **said: str) -> list[NewAccount]:
    made = [new_account(**({"email": f"{uuid4()}@example.org"} | said)) for _ in range(count)]
    for account in made:
        assert await accounts.create(account)
    return made


async def rewrap_all(accounts: PostgresAccounts, limit: int = 2) -> int:
    moved = 0
    while step := await accounts.rewrap(limit):
        moved += step
    return moved


async def opens(accounts: PostgresAccounts, said: NewAccount) -> bool:
    found, credentials = await accounts.find(said.id), await accounts.find_credentials(said.email)
    assert found is not None
    return (found.email, found.name) == (said.email, said.name) and credentials is not None


async def test_no_column_holds_an_email_or_a_name(process: Process, database: Database) -> None:
    await people(process(NEW, OLD), email=EMAIL, name=NAME)
    row = await database.fetch_row("select * from users where id <> $1 limit 1", LOCAL_USER_ID)
    assert row is not None
    row_bytes = b"|".join(
        value if isinstance(value, bytes) else str(value).encode() for value in row.values()
    )
    assert HASH.encode() in row_bytes
    assert not any(secret in row_bytes for secret in SECRETS)


async def test_no_file_of_the_database_holds_an_email_or_a_name(process: Process, database: Database) -> None:
    (account,) = await people(process(NEW), email=EMAIL, name=NAME)
    await process(NEW).edit(account.id, AccountChanges(name=f"{NAME} the Second"))
    await database.fetch("checkpoint")
    files = await database.fetch(
        "select pg_read_binary_file(pg_relation_filepath(oid)) as content from pg_class "
        "where relnamespace = 'public'::regnamespace and relkind in ('r', 'i', 't') limit 1000"
    )
    content = b"|".join(row["content"] for row in files)
    assert HASH.encode() in content
    assert not any(secret in content for secret in SECRETS)


@pytest.mark.parametrize("column", ["data_key", "email_sealed", "name_sealed"])
async def test_a_changed_bit_in_a_sealed_column_is_noticed(
    process: Process, database: Database, column: str
) -> None:
    (account,) = await people(process(NEW))
    flip = f"update users set {column} = set_bit({column}, 300, 1 - get_bit({column}, 300)) where id = $1"  # noqa: S608
    await database.fetch(flip, account.id)
    with pytest.raises(SealBrokenError):
        await process(NEW).find(account.id)


@pytest.mark.parametrize(
    "columns",
    ["email_sealed", "name_sealed", "data_key", "data_key, email_sealed, name_sealed"],
)
async def test_what_is_sealed_in_one_row_does_not_open_in_another(
    process: Process, database: Database, columns: str
) -> None:
    one, other = await people(process(NEW), 2)
    move = (
        f"update users set ({columns}) = (select {columns} from users where id = $1 limit 1) "  # noqa: S608
        "where id = $2"
    )
    if "," not in columns:
        move = move.replace(f"({columns})", columns)
    await database.fetch(move, one.id, other.id)
    with pytest.raises(SealBrokenError):
        await process(NEW).find(other.id)
    assert await opens(process(NEW), one)


async def test_an_email_does_not_open_as_a_name(process: Process, database: Database) -> None:
    (account,) = await people(process(NEW))
    await database.fetch("update users set name_sealed = email_sealed where id = $1", account.id)
    with pytest.raises(SealBrokenError):
        await process(NEW).find(account.id)


async def test_without_its_key_an_account_does_not_open_and_is_not_found_by_its_email(
    process: Process,
) -> None:
    (account,) = await people(process(OLD))
    with pytest.raises(SealBrokenError, match="not among the configured"):
        await process(NEW).find(account.id)
    assert await process(NEW).find_credentials(account.email) is None


async def test_without_master_keys_only_what_is_not_sealed_can_be_asked(
    process: Process, database: Database
) -> None:
    (account,) = await people(process(NEW))
    keyless = PostgresAccounts(database, AccountSeals(None))
    for ask in (
        keyless.find(account.id),
        keyless.find_credentials(account.email),
        keyless.create(new_account()),
        keyless.edit(account.id, AccountChanges(name="x")),
        keyless.rewrap(10),
    ):
        with pytest.raises(VaultMissingError, match="TRUTHTOK_MASTER_KEYS"):
            await ask
    assert await keyless.find(LOCAL_USER_ID) is not None
    assert await keyless.find_password(account.id) == HASH


async def test_a_rotation_of_keys_goes_on_while_everything_opens(process: Process) -> None:
    made = await people(process(OLD), 5)
    await people(process(NEW, OLD), 2)
    assert [await opens(process(NEW, OLD), account) for account in made] == [True] * 5
    assert await rewrap_all(process(NEW, OLD)) == 5
    assert [await opens(process(NEW), account) for account in made] == [True] * 5
    with pytest.raises(SealBrokenError):
        await process(OLD).find(made[0].id)


async def test_several_older_keys_are_left_behind_at_once_whatever_their_order(process: Process) -> None:
    keys = (OLD, NEW, THIRD)
    for newest in keys:
        others = [key for key in keys if key != newest]
        made = [(await people(process(key), name=NAME))[0] for key in others]
        await rewrap_all(process(newest, *others))
        assert [await opens(process(newest), account) for account in made] == [True, True]
        await rewrap_all(process(others[0], newest, others[1]))


async def test_a_rewrap_shows_in_nothing_that_an_owner_sees(process: Process) -> None:
    (said,) = await people(process(OLD))
    before = await process(OLD).find(said.id)
    await rewrap_all(process(NEW, OLD))
    assert await process(NEW).find(said.id) == before
    assert await process(NEW).find_password(said.id) == HASH


async def test_an_email_stays_taken_before_during_and_after_a_rotation(process: Process) -> None:
    await people(process(OLD), email=EMAIL)
    for keys in [(OLD,), (OLD, NEW), (NEW, OLD)]:
        assert await process(*keys).create(new_account()) is False
    (other,) = await people(process(NEW, OLD))
    with pytest.raises(EmailTakenError):
        await process(NEW, OLD).edit(other.id, AccountChanges(email=EMAIL))
    await rewrap_all(process(NEW, OLD))
    for keys in [(OLD, NEW), (NEW, OLD), (NEW,)]:
        assert await process(*keys).create(new_account()) is False


async def test_processes_whose_keys_differ_in_order_give_an_email_to_one_account(process: Process) -> None:
    for turn in range(5):
        email = f"{turn}@example.org"
        made = await asyncio.gather(
            *(process(*keys).create(new_account(email=email)) for keys in [(OLD, NEW), (NEW, OLD)] * 5)
        )
        assert sorted(made) == [False] * 9 + [True]


async def test_accounts_edited_during_a_rotation_keep_what_was_said_last(process: Process) -> None:
    made = await people(process(OLD), 8)

    async def edit(account: NewAccount, keys: tuple[bytes, ...]) -> Account | None:
        changes = AccountChanges(email=f"new-{account.email}", name=NAME)
        return await process(*keys).edit(account.id, changes)

    edits = [edit(account, keys) for account, keys in zip(made, [(NEW, OLD), (OLD, NEW)] * 4, strict=True)]
    rewraps = [process(NEW, OLD).rewrap(8) for _ in range(3)]
    await asyncio.gather(*edits, *rewraps)
    await rewrap_all(process(NEW, OLD))
    for account in made:
        found = await process(NEW).find_credentials(f"new-{account.email}")
        assert found is not None
        assert (found.account.id, found.account.name) == (account.id, NAME)
        assert await process(NEW).find_credentials(account.email) is None


async def test_an_edit_of_the_name_alone_leaves_the_email_to_be_found_under_its_older_key(
    process: Process,
) -> None:
    (account,) = await people(process(OLD))
    await process(NEW, OLD).edit(account.id, AccountChanges(name=NAME))
    for keys in [(OLD, NEW), (NEW, OLD)]:
        assert await process(*keys).find_credentials(account.email) is not None
    await rewrap_all(process(NEW, OLD))
    assert await process(NEW).find_credentials(account.email) is not None


async def test_many_who_rewrap_at_once_leave_nothing_behind(process: Process) -> None:
    made = await people(process(OLD), 9)
    await asyncio.gather(*(rewrap_all(process(NEW, OLD)) for _ in range(4)))
    assert [await opens(process(NEW), account) for account in made] == [True] * 9


async def test_an_account_that_cannot_be_moved_is_named_and_holds_up_no_other(
    process: Process, database: Database
) -> None:
    made = await people(process(OLD), 4)
    broken = min(account.id for account in made)
    await database.fetch("update users set email_sealed = name_sealed where id = $1", broken)
    with pytest.raises(SealBrokenError, match=str(broken)):
        await rewrap_all(process(NEW, OLD))
    whole = [account for account in made if account.id != broken]
    assert [await opens(process(NEW), account) for account in whole] == [True] * 3


async def test_two_accounts_that_have_one_email_are_named_when_their_keys_meet(process: Process) -> None:
    (older,) = await people(process(OLD), email=EMAIL)
    await people(process(NEW), email=EMAIL)  # a process that did not know the older key
    with pytest.raises(EmailTakenError, match=str(older.id)):
        await rewrap_all(process(NEW, OLD))


async def test_the_local_account_and_closed_ones_are_left_alone_by_a_rotation(
    process: Process, database: Database
) -> None:
    (account,) = await people(process(OLD))
    await database.fetch("update users set closed_at = now() where id = $1", account.id)
    assert await process(NEW, OLD).rewrap(10) == 0


async def test_a_name_without_an_email_is_rewrapped_too(process: Process) -> None:
    await process(OLD).edit(LOCAL_USER_ID, AccountChanges(name=NAME))
    assert await rewrap_all(process(NEW, OLD)) == 1
    local = await process(NEW).find(LOCAL_USER_ID)
    assert local is not None
    assert (local.email, local.name) == ("", NAME)


async def test_the_database_refuses_what_is_sealed_by_half(process: Process, database: Database) -> None:
    (account,) = await people(process(NEW))
    for half in ("email_hash = null", "email_sealed = null", "data_key = null", "data_key = 'x', id = $2"):
        values: tuple[UUID, ...] = (account.id,)
        if "$2" in half:
            values = (LOCAL_USER_ID, LOCAL_USER_ID)
        with pytest.raises(asyncpg.CheckViolationError):
            await database.fetch(f"update users set {half} where id = $1", *values)  # noqa: S608


async def test_what_is_left_to_rewrap_is_found_by_an_index(process: Process, database: Database) -> None:
    accounts = process(NEW, OLD)
    await database.fetch(
        "insert into users (id, data_key, name_sealed) "
        "select gen_random_uuid(), $1::bytea, 'sealed' from generate_series(1, 5000)",
        accounts.seals.vault.newest_name + b"wrapped",
    )
    await database.fetch("analyze users")
    query = accounts.queries["accounts_under_older_keys"]
    plan = await database.fetch(f"explain {query}", accounts.seals.vault.newest_name, 10)
    steps = "\n".join(row["QUERY PLAN"] for row in plan)
    assert steps.count("Index Scan using users_by_master_key") == 2, steps
