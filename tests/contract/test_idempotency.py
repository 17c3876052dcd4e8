"""The contract of Idempotency, for the twin and for Postgres."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from storage.bundle import Storage
from storage.memory import MemoryStorage
from storage.ports import Idempotency
from storage.postgres.idempotency import PostgresIdempotency
from storage.postgres.pool import open_database
from storage.records import Answer, Claim
from tests.contract.storage_values import OWNER, STRANGER

ONE, OTHER = uuid4(), uuid4()
CREATED = Answer(status=201, headers={"location": "/v/1"}, body=b'{"id":1}\x00\xff')


@pytest.fixture
def keys(storage: Storage) -> Idempotency:
    return storage.idempotency


@pytest.fixture
async def hasty_keys(storage_url: str | None, storage: Storage) -> AsyncIterator[Idempotency]:
    """Keys whose claims lapse at once."""
    if storage_url is None:
        yield MemoryStorage(claim_seconds=0.0).idempotency
        return
    async with open_database(storage_url) as database:
        yield PostgresIdempotency(database, claim_seconds=0.0)


async def test_a_first_claim_is_fresh_and_a_second_finds_it_running(keys: Idempotency) -> None:
    assert await keys.claim(OWNER, "k", "f", ONE) == Claim(kind="fresh", resource_id=ONE)
    assert await keys.claim(OWNER, "k", "f", OTHER) == Claim(kind="running", resource_id=ONE)


async def test_an_answered_key_gives_its_first_answer_again(keys: Idempotency) -> None:
    await keys.claim(OWNER, "k", "f", ONE)
    await keys.answer(OWNER, "k", CREATED)
    await keys.answer(OWNER, "k", Answer(status=500, headers={}, body=b""))
    assert await keys.claim(OWNER, "k", "f", OTHER) == Claim(kind="answered", resource_id=ONE, answer=CREATED)


async def test_a_key_used_for_something_else_is_a_mismatch_answered_or_not(keys: Idempotency) -> None:
    await keys.claim(OWNER, "k", "f", ONE)
    assert (await keys.claim(OWNER, "k", "g", OTHER)).kind == "mismatch"
    await keys.answer(OWNER, "k", CREATED)
    assert (await keys.claim(OWNER, "k", "g", OTHER)).kind == "mismatch"


async def test_users_do_not_share_keys(keys: Idempotency) -> None:
    await keys.claim(OWNER, "k", "f", ONE)
    assert (await keys.claim(STRANGER, "k", "g", OTHER)).kind == "fresh"


async def test_a_released_key_is_free_and_an_answered_one_is_not_released(keys: Idempotency) -> None:
    await keys.claim(OWNER, "k", "f", ONE)
    await keys.release(OWNER, "k")
    assert await keys.claim(OWNER, "k", "g", OTHER) == Claim(kind="fresh", resource_id=OTHER)
    await keys.answer(OWNER, "k", CREATED)
    await keys.release(OWNER, "k")
    assert (await keys.claim(OWNER, "k", "g", ONE)).kind == "answered"


async def test_an_answer_without_a_claim_is_not_kept(keys: Idempotency) -> None:
    await keys.answer(OWNER, "k", CREATED)
    assert (await keys.claim(OWNER, "k", "f", ONE)).kind == "fresh"


async def test_a_lapsed_claim_goes_on_with_the_resource_of_the_earlier_try(hasty_keys: Idempotency) -> None:
    await hasty_keys.claim(OWNER, "k", "f", ONE)
    assert await hasty_keys.claim(OWNER, "k", "f", OTHER) == Claim(kind="fresh", resource_id=ONE)
    assert (await hasty_keys.claim(OWNER, "k", "g", OTHER)).kind == "mismatch"
    await hasty_keys.answer(OWNER, "k", CREATED)
    assert (await hasty_keys.claim(OWNER, "k", "f", OTHER)).kind == "answered"


async def test_of_many_claims_at_once_exactly_one_is_fresh(keys: Idempotency) -> None:
    async def claim(resource_id: UUID) -> Claim:
        return await keys.claim(OWNER, "k", "f", resource_id)

    claims = await asyncio.gather(*(claim(uuid4()) for _ in range(8)))
    assert sorted(c.kind for c in claims) == ["fresh"] + ["running"] * 7
    assert len({c.resource_id for c in claims}) == 1
