"""People, sign-ins and keys as the gateway reaches them: held to the policies of the database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

import asyncpg
import pytest

from storage.asking import SIGN_IN, Asking, AskingRole, asking_as
from storage.errors import EmailTakenError
from storage.identity_records import AccountChanges
from storage.postgres.account_seals import AccountSeals
from storage.postgres.accounts import PostgresAccounts
from storage.postgres.api_keys import PostgresApiKeys
from storage.postgres.pool import Database, open_database
from storage.postgres.sessions import PostgresSessions
from storage.sealing import Vault
from tests.contract.identity_values import EMAIL, HASH, hashed, kinds, new_account, new_key, new_session
from tests.contract.storage_values import LATER, NOW

OLD, NEW = b"o" * 32, b"n" * 32
WAITING = "select count(*) from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))"
SOON = NOW + timedelta(minutes=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    confined = f"{database_url}?{urlencode({'role': 'truthtok_gateway'})}"
    async with open_database(confined, asks=True) as opened:
        yield opened


@pytest.fixture
def accounts(database: Database) -> PostgresAccounts:
    return PostgresAccounts(database, AccountSeals(Vault((NEW, OLD))))


@pytest.fixture
def sessions(database: Database) -> PostgresSessions:
    return PostgresSessions(database)


def as_user(user_id: UUID, role: AskingRole = "creator") -> Asking:
    return Asking(user_id=user_id, role=role)


async def register(accounts: PostgresAccounts, email: str) -> UUID:
    account = new_account(email=email)
    with asking_as(SIGN_IN):
        assert await accounts.create(account)
    return account.id


async def test_somebody_registers_signs_in_and_goes_on_until_a_token_is_stolen(
    accounts: PostgresAccounts, sessions: PostgresSessions
) -> None:
    user_id = await register(accounts, EMAIL)
    session = new_session(user_id)
    with asking_as(SIGN_IN):
        assert await accounts.create(new_account()) is False
        credentials = await accounts.find_credentials(EMAIL)
        assert credentials is not None
        assert credentials.account.id == user_id
        assert await sessions.open(session) is False
    with asking_as(as_user(user_id)):
        assert await sessions.open(session, verified_hash=credentials.password_hash) is True
    with asking_as(SIGN_IN):
        assert await sessions.find_standing(session.id, SOON) is not None
        at_once = [sessions.rotate(hashed("first"), hashed(s), SOON, LATER) for s in ("mine", "theirs")]
        assert await kinds(at_once) == ["reused", "rotated"]
        assert await sessions.find_standing(session.id, SOON) is None


async def test_a_refresh_token_ends_its_session_and_an_owner_all_of_theirs(
    accounts: PostgresAccounts, sessions: PostgresSessions
) -> None:
    user_id = await register(accounts, EMAIL)
    with asking_as(as_user(user_id)):
        for token in ("one", "two", "three"):
            await sessions.open(new_session(user_id, token))
    with asking_as(SIGN_IN):
        assert (await sessions.revoke(hashed("one"), SOON)).kind == "rotated"
    with asking_as(as_user(user_id)):
        assert len(await sessions.page(user_id, 10)) == 3
        assert await sessions.revoke_all(user_id, SOON) == 2


async def test_an_owner_who_takes_a_new_password_ends_their_sessions(
    accounts: PostgresAccounts, sessions: PostgresSessions
) -> None:
    user_id, (kept, other) = await register(accounts, EMAIL), (uuid4(), uuid4())
    with asking_as(as_user(user_id)):
        for session_id in (kept, other):
            await sessions.open(new_session(user_id, str(session_id), id=session_id))
        await accounts.edit(user_id, AccountChanges(password_hash=f"{HASH}2"), kept)
        assert await sessions.find_standing(kept, SOON) is not None
        assert await sessions.find_standing(other, SOON) is None


async def test_a_sign_in_waits_for_a_new_password_that_is_about_to_be_kept(
    database_url: str, accounts: PostgresAccounts, sessions: PostgresSessions
) -> None:
    user_id = await register(accounts, EMAIL)
    session = new_session(user_id)
    changing = await asyncpg.connect(database_url)
    async with changing.transaction():
        await changing.execute("update users set password_hash = 'new' where id = $1", user_id)
        with asking_as(as_user(user_id)):
            opening = asyncio.create_task(sessions.open(session, verified_hash=HASH))
        while not opening.done() and not await changing.fetchval(WAITING):
            await asyncio.sleep(0)
    await changing.close()
    assert await opening is False
    with asking_as(as_user(user_id)):
        assert await sessions.page(user_id, 10) == []


async def test_an_owner_is_told_that_an_email_is_taken_by_an_account_they_may_not_see(
    database: Database, accounts: PostgresAccounts
) -> None:
    older = PostgresAccounts(database, AccountSeals(Vault((OLD,))))
    await register(older, EMAIL)
    user_id = await register(accounts, "storm@example.org")
    with asking_as(as_user(user_id)):
        with pytest.raises(EmailTakenError):
            await accounts.edit(user_id, AccountChanges(email=EMAIL))
        edited = await accounts.edit(user_id, AccountChanges(email="hail@example.org", name="Hail"))
        assert edited is not None
        assert (edited.email, edited.name) == ("hail@example.org", "Hail")
        assert await accounts.replace_password(user_id, HASH, f"{HASH}2") is True


async def test_of_two_owners_who_take_one_email_at_once_one_gets_it(accounts: PostgresAccounts) -> None:
    people = [await register(accounts, f"{n}@example.org") for n in range(4)]

    async def take(user_id: UUID) -> bool:
        with asking_as(as_user(user_id)):
            try:
                return await accounts.edit(user_id, AccountChanges(email=EMAIL)) is not None
            except EmailTakenError:
                return False

    assert sorted(await asyncio.gather(*map(take, people))) == [False] * 3 + [True]


async def test_an_owner_makes_keys_within_the_limit_which_then_stand_for_them(
    database: Database, accounts: PostgresAccounts
) -> None:
    keys, user_id = PostgresApiKeys(database), await register(accounts, EMAIL)
    key = new_key(user_id)
    with asking_as(as_user(user_id)):
        made = await asyncio.gather(*(keys.create(k, 2) for k in (key, new_key(user_id), new_key(user_id))))
        assert sorted(made) == [False, True, True]
        (first, *_) = await keys.page(user_id, None, 10)
        await keys.touch(first.id, SOON)
        assert (await keys.page(user_id, None, 1))[0].last_used_at == SOON
    with asking_as(SIGN_IN):
        assert (await keys.find_standing(key.secret_hash) is not None) is made[0]


async def test_an_administrator_lists_accounts_and_gives_roles_and_nobody_else_does(
    accounts: PostgresAccounts,
) -> None:
    user_id, other = await register(accounts, EMAIL), await register(accounts, "storm@example.org")
    with asking_as(as_user(other)):
        assert [account.id for account in await accounts.page(None, 10)] == [other]
        assert await accounts.set_role(user_id, "viewer") is None
    with asking_as(as_user(other, "admin")):
        made = await accounts.set_role(user_id, "moderator")
        assert made is not None
        assert (made.role, made.email) == ("moderator", EMAIL)
        assert {user_id, other} < {account.id for account in await accounts.page(None, 10)}
