"""The contract of ApiKeys, for the twin and for Postgres."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from storage.bundle import Storage
from storage.identity_ports import ApiKeys
from storage.identity_records import ApiKey, NewApiKey, Standing
from tests.contract.identity_values import hashed, new_key, register
from tests.contract.storage_values import NOW, OWNER, news

SOON = NOW + timedelta(minutes=10)
LIMIT = 3


@pytest.fixture
def keys(storage: Storage) -> ApiKeys:
    return storage.api_keys


@pytest.fixture
async def user_id(storage: Storage) -> UUID:
    return await register(storage)


@pytest.fixture
async def kept(keys: ApiKeys, user_id: UUID) -> NewApiKey:
    key = new_key(user_id)
    assert await keys.create(key, LIMIT) is True
    return key


async def test_a_created_key_is_listed_as_it_was_said_without_its_secret(
    keys: ApiKeys, kept: NewApiKey
) -> None:
    listed = ApiKey(
        id=kept.id,
        user_id=kept.user_id,
        name="importer",
        prefix=kept.prefix,
        scopes=("videos.read", "videos.write"),
        created_at=NOW,
    )
    (found,) = await keys.page(kept.user_id, None, 10)
    assert found == listed
    assert (type(found.id), type(found.user_id)) == (UUID, UUID)


async def test_a_key_stands_for_its_user_within_its_scopes_with_the_role_of_the_moment(
    storage: Storage, kept: NewApiKey
) -> None:
    standing = Standing(user_id=kept.user_id, role="creator", key_id=kept.id, scopes=kept.scopes)
    assert await storage.api_keys.find_standing(kept.secret_hash) == standing
    await storage.accounts.set_role(kept.user_id, "viewer")
    found = await storage.api_keys.find_standing(kept.secret_hash)
    assert found is not None
    assert (found.role, type(found.user_id), type(found.key_id)) == ("viewer", UUID, UUID)


async def test_the_local_account_may_have_keys(keys: ApiKeys) -> None:
    key = new_key(OWNER)
    assert await keys.create(key, LIMIT) is True
    assert await keys.find_standing(key.secret_hash) is not None


async def test_an_unknown_secret_stands_for_nobody(keys: ApiKeys, kept: NewApiKey) -> None:
    assert await keys.find_standing(hashed("never given")) is None


async def test_creating_a_known_key_changes_nothing_even_at_the_limit(keys: ApiKeys, kept: NewApiKey) -> None:
    again = new_key(kept.user_id, id=kept.id, name="another")
    assert await keys.create(again, 1) is True
    assert [key.name for key in await keys.page(kept.user_id, None, 10)] == ["importer"]
    assert await keys.find_standing(again.secret_hash) is None


async def test_nobody_without_an_account_gets_a_key(keys: ApiKeys) -> None:
    key = new_key(uuid4())
    assert await keys.create(key, LIMIT) is False
    assert await keys.find_standing(key.secret_hash) is None


async def test_a_user_has_no_more_keys_than_the_limit_and_revoked_ones_do_not_count(
    storage: Storage, user_id: UUID
) -> None:
    mine = [new_key(user_id) for _ in range(LIMIT)]
    for key in mine:
        assert await storage.api_keys.create(key, LIMIT) is True
    assert await storage.api_keys.create(new_key(user_id), LIMIT) is False
    assert await storage.api_keys.create(new_key(await register(storage)), LIMIT) is True
    assert await storage.api_keys.revoke(mine[0].id, user_id, SOON) is True
    assert await storage.api_keys.create(new_key(user_id), LIMIT) is True
    assert await storage.api_keys.create(new_key(user_id), LIMIT) is False


async def test_of_many_keys_created_at_once_no_more_than_the_limit_are_kept(
    keys: ApiKeys, user_id: UUID
) -> None:
    made = await asyncio.gather(*(keys.create(new_key(user_id), LIMIT) for _ in range(10)))
    assert sorted(made) == [False] * 7 + [True] * LIMIT
    assert len(await keys.page(user_id, None, 50)) == LIMIT


async def test_one_key_created_many_times_at_once_is_one(keys: ApiKeys, user_id: UUID) -> None:
    key = new_key(user_id)
    assert await asyncio.gather(*(keys.create(key, 1) for _ in range(5))) == [True] * 5
    assert len(await keys.page(user_id, None, 50)) == 1


async def test_a_revoked_key_stands_for_nobody_and_is_not_listed(keys: ApiKeys, kept: NewApiKey) -> None:
    assert await keys.revoke(kept.id, kept.user_id, SOON) is True
    assert await keys.revoke(kept.id, kept.user_id, SOON) is False
    assert await keys.find_standing(kept.secret_hash) is None
    assert await keys.page(kept.user_id, None, 10) == []


async def test_of_many_who_revoke_a_key_at_once_one_does(keys: ApiKeys, kept: NewApiKey) -> None:
    revoked = await asyncio.gather(*(keys.revoke(kept.id, kept.user_id, SOON) for _ in range(5)))
    assert sorted(revoked) == [False] * 4 + [True]


async def test_a_stranger_can_neither_revoke_nor_list_a_key(storage: Storage, kept: NewApiKey) -> None:
    stranger = await register(storage)
    assert await storage.api_keys.revoke(kept.id, stranger, SOON) is False
    assert await storage.api_keys.revoke(uuid4(), kept.user_id, SOON) is False
    assert await storage.api_keys.page(stranger, None, 10) == []
    assert await storage.api_keys.find_standing(kept.secret_hash) is not None


async def test_pages_of_keys_join_without_gap_or_repetition(keys: ApiKeys, user_id: UUID) -> None:
    mine = [new_key(user_id) for _ in range(5)]
    for key in mine:
        await keys.create(key, 5)
    seen: list[UUID] = []
    after: UUID | None = None
    while page := await keys.page(user_id, after, 2):
        assert len(page) <= 2
        seen += [key.id for key in page]
        after = page[-1].id
    assert seen == sorted(key.id for key in mine)


async def test_the_latest_use_of_a_key_is_kept(keys: ApiKeys, kept: NewApiKey) -> None:
    async def last_used() -> object:
        return (await keys.page(kept.user_id, None, 1))[0].last_used_at

    await keys.touch(kept.id, SOON)
    assert await last_used() == SOON
    await keys.touch(kept.id, NOW)
    assert await last_used() == SOON
    await keys.touch(kept.id, SOON + timedelta(seconds=1))
    assert await last_used() == SOON + timedelta(seconds=1)
    await keys.touch(uuid4(), SOON)  # nobody's: nothing to keep


async def test_the_keys_of_a_closed_account_stand_for_nobody(storage: Storage, kept: NewApiKey) -> None:
    assert await storage.departures.close(kept.user_id, news("account.closed"))
    assert await storage.api_keys.find_standing(kept.secret_hash) is None
    assert await storage.api_keys.page(kept.user_id, None, 10) == []
    assert await storage.api_keys.revoke(kept.id, kept.user_id, SOON) is False
    assert await storage.api_keys.create(new_key(kept.user_id), LIMIT) is False
