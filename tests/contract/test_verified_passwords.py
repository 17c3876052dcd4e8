"""The contract of what follows a verified password: it holds only as long as the password does."""

import asyncio
from uuid import UUID

import pytest

from storage.bundle import Storage
from storage.errors import PasswordChangedError
from storage.identity_records import AccountChanges
from tests.contract.identity_values import HASH, hashed, new_session, register
from tests.contract.storage_values import LATER, NOW, news

NEW_HASH = f"{HASH}2"


@pytest.fixture
async def user_id(storage: Storage) -> UUID:
    return await register(storage)


async def test_a_session_opens_while_the_password_is_the_verified_one(
    storage: Storage, user_id: UUID
) -> None:
    session = new_session(user_id)
    assert await storage.sessions.open(session, verified_hash=HASH) is True
    assert await storage.sessions.open(session, verified_hash=HASH) is True
    assert await storage.sessions.find_standing(session.id, NOW) is not None


async def test_no_session_opens_once_the_password_is_another(storage: Storage, user_id: UUID) -> None:
    await storage.accounts.edit(user_id, AccountChanges(password_hash=NEW_HASH))
    session = new_session(user_id)
    assert await storage.sessions.open(session, verified_hash=HASH) is False
    assert await storage.sessions.find_standing(session.id, NOW) is None
    assert (await storage.sessions.rotate(hashed("first"), hashed("next"), NOW, LATER)).kind == "unknown"
    assert await storage.sessions.open(session, verified_hash=NEW_HASH) is True


async def test_no_session_opens_in_an_account_that_is_closed_or_not_there(
    storage: Storage, user_id: UUID
) -> None:
    await storage.departures.close(user_id, news("account.closed"))
    for owner in (user_id, UUID(int=9)):
        assert await storage.sessions.open(new_session(owner), verified_hash=HASH) is False
        assert await storage.sessions.open(new_session(owner)) is False


async def test_however_sign_ins_and_a_new_password_overlap_the_old_one_opens_nothing(
    storage: Storage, user_id: UUID
) -> None:
    sessions = [new_session(user_id, f"token {n}") for n in range(12)]

    async def change() -> None:
        await storage.accounts.edit(user_id, AccountChanges(password_hash=NEW_HASH), verified_hash=HASH)

    before, after = sessions[:6], sessions[6:]
    await asyncio.gather(
        *(storage.sessions.open(one, verified_hash=HASH) for one in before),
        change(),
        *(storage.sessions.open(one, verified_hash=HASH) for one in after),
    )
    standing = [await storage.sessions.find_standing(one.id, NOW) for one in sessions]
    assert standing == [None] * len(sessions)


async def test_of_many_who_change_a_password_at_once_with_the_old_one_one_does(
    storage: Storage, user_id: UUID
) -> None:
    async def change(number: int) -> str | None:
        changes = AccountChanges(password_hash=f"{HASH}{number}")
        try:
            await storage.accounts.edit(user_id, changes, verified_hash=HASH)
        except PasswordChangedError:
            return None
        return f"{HASH}{number}"

    kept = [made for made in await asyncio.gather(*map(change, range(5))) if made]
    assert kept == [await storage.accounts.find_password(user_id)]


async def test_what_an_old_password_would_have_changed_stays_and_ends_no_session(
    storage: Storage, user_id: UUID
) -> None:
    session = new_session(user_id)
    await storage.sessions.open(session)
    before = await storage.accounts.find(user_id)
    changes = AccountChanges(email="eve@example.org", name="Eve", password_hash=NEW_HASH)
    with pytest.raises(PasswordChangedError):
        await storage.accounts.edit(user_id, changes, verified_hash="another")
    assert await storage.accounts.find(user_id) == before
    assert await storage.accounts.find_password(user_id) == HASH
    assert await storage.sessions.find_standing(session.id, NOW) is not None
