"""The contract of Sessions, for the twin and for Postgres."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from storage.bundle import Storage
from storage.errors import EmailTakenError
from storage.identity_ports import Sessions
from storage.identity_records import AccountChanges, NewSession, Rotation, Session, Standing
from tests.contract.identity_values import HASH, hashed, kinds, new_session, register
from tests.contract.storage_values import LATER, NOW, news

SOON = NOW + timedelta(minutes=10)
MUCH_LATER = LATER + timedelta(hours=1)
UNKNOWN = Rotation(kind="unknown")


@pytest.fixture
def sessions(storage: Storage) -> Sessions:
    return storage.sessions


@pytest.fixture
async def user_id(storage: Storage) -> UUID:
    return await register(storage)


@pytest.fixture
async def opened(sessions: Sessions, user_id: UUID) -> NewSession:
    """A session whose refresh token is `first`."""
    session = new_session(user_id)
    await sessions.open(session)
    return session


async def rotate(
    sessions: Sessions, token: str, successor: str, now: datetime = SOON, expires_at: datetime = MUCH_LATER
) -> Rotation:
    return await sessions.rotate(hashed(token), hashed(successor), now, expires_at)


async def test_an_open_session_stands_for_its_user_with_the_role_of_the_moment(
    storage: Storage, opened: NewSession
) -> None:
    standing = Standing(user_id=opened.user_id, role="creator", session_id=opened.id)
    assert await storage.sessions.find_standing(opened.id, SOON) == standing
    await storage.accounts.set_role(opened.user_id, "viewer")
    found = await storage.sessions.find_standing(opened.id, SOON)
    assert found is not None
    assert (found.role, type(found.user_id), type(found.session_id)) == ("viewer", UUID, UUID)


async def test_a_session_is_listed_as_its_owner_sees_it(sessions: Sessions, opened: NewSession) -> None:
    listed = Session(id=opened.id, created_at=NOW, expires_at=LATER)
    assert await sessions.page(opened.user_id, 10) == [listed]


async def test_opening_a_known_session_changes_nothing(sessions: Sessions, opened: NewSession) -> None:
    await sessions.open(new_session(opened.user_id, "second", id=opened.id, expires_at=MUCH_LATER))
    assert await rotate(sessions, "second", "third") == UNKNOWN
    assert (await sessions.page(opened.user_id, 10))[0].expires_at == LATER
    assert (await rotate(sessions, "first", "next")).kind == "rotated"


async def test_nobody_without_an_account_gets_a_session(sessions: Sessions) -> None:
    session = new_session(uuid4())
    await sessions.open(session)
    assert await sessions.find_standing(session.id, SOON) is None
    assert await rotate(sessions, "first", "next") == UNKNOWN


async def test_a_session_is_over_at_its_expiry(sessions: Sessions, opened: NewSession) -> None:
    assert await sessions.find_standing(opened.id, LATER - timedelta(microseconds=1)) is not None
    assert await sessions.find_standing(opened.id, LATER) is None
    assert await rotate(sessions, "first", "next", LATER) == UNKNOWN
    assert await sessions.revoke(hashed("first"), LATER) == UNKNOWN
    assert await sessions.revoke_all(opened.user_id, LATER) == 0


async def test_a_rotated_token_leaves_a_successor_and_moves_the_expiry(
    sessions: Sessions, opened: NewSession
) -> None:
    rotation = await rotate(sessions, "first", "second")
    assert rotation == Rotation(kind="rotated", user_id=opened.user_id, session_id=opened.id)
    assert (type(rotation.user_id), type(rotation.session_id)) == (UUID, UUID)
    assert await sessions.find_standing(opened.id, LATER) is not None
    assert (await sessions.page(opened.user_id, 10))[0].expires_at == MUCH_LATER
    assert (await rotate(sessions, "second", "third")).kind == "rotated"


async def test_a_token_that_comes_twice_ends_its_session(sessions: Sessions, opened: NewSession) -> None:
    await rotate(sessions, "first", "second")
    reused = await rotate(sessions, "first", "stolen")
    assert reused == Rotation(kind="reused", user_id=opened.user_id, session_id=opened.id)
    assert await sessions.find_standing(opened.id, SOON) is None
    (listed,) = await sessions.page(opened.user_id, 10)
    assert (listed.revoked_at, listed.expires_at) == (SOON, MUCH_LATER)


async def test_of_a_session_that_is_over_no_token_is_known_used_or_not(
    sessions: Sessions, opened: NewSession
) -> None:
    await rotate(sessions, "first", "second")
    assert (await rotate(sessions, "first", "stolen")).kind == "reused"
    for token in ("first", "second", "stolen"):
        assert await rotate(sessions, token, f"after {token}") == UNKNOWN
        assert await sessions.revoke(hashed(token), SOON) == UNKNOWN
    assert (await sessions.page(opened.user_id, 10))[0].revoked_at == SOON


async def test_reuse_in_one_session_leaves_the_others_alone(sessions: Sessions, opened: NewSession) -> None:
    other = new_session(opened.user_id, "other")
    await sessions.open(other)
    await rotate(sessions, "first", "second")
    await rotate(sessions, "first", "stolen")
    assert await sessions.find_standing(other.id, SOON) is not None
    assert (await rotate(sessions, "other", "next")).kind == "rotated"


async def test_an_unknown_token_is_unknown(sessions: Sessions, opened: NewSession) -> None:
    assert await rotate(sessions, "never given", "next") == UNKNOWN
    assert await sessions.revoke(hashed("never given"), SOON) == UNKNOWN
    assert await sessions.find_standing(uuid4(), SOON) is None
    assert await sessions.find_standing(opened.id, SOON) is not None


async def test_of_two_that_present_a_token_at_once_one_has_it_and_the_other_ends_the_session(
    sessions: Sessions, opened: NewSession
) -> None:
    at_once = [rotate(sessions, "first", successor) for successor in ("mine", "theirs")]
    assert await kinds(at_once) == ["reused", "rotated"]
    assert await sessions.find_standing(opened.id, SOON) is None


async def test_of_ten_that_present_a_token_at_once_one_has_it_and_nobody_can_go_on(
    sessions: Sessions, opened: NewSession
) -> None:
    at_once = [rotate(sessions, "first", f"successor {n}") for n in range(10)]
    assert await kinds(at_once) == ["reused", "rotated"] + ["unknown"] * 8
    assert await sessions.find_standing(opened.id, SOON) is None
    assert (
        await kinds([rotate(sessions, f"successor {n}", f"more {n}") for n in range(10)]) == ["unknown"] * 10
    )


async def test_a_rotation_and_a_logout_at_once_end_the_session(
    sessions: Sessions, opened: NewSession
) -> None:
    await asyncio.gather(
        rotate(sessions, "first", "second"),
        sessions.revoke(hashed("first"), SOON),
        sessions.revoke_all(opened.user_id, SOON),
    )
    assert await sessions.find_standing(opened.id, SOON) is None
    assert await rotate(sessions, "second", "third") == UNKNOWN


async def test_tokens_used_longer_ago_than_a_session_lives_are_forgotten_and_younger_ones_are_not(
    sessions: Sessions, opened: NewSession
) -> None:
    day = timedelta(days=1)
    await rotate(sessions, "first", "second", NOW, NOW + day)
    await rotate(sessions, "second", "third", NOW + day * 0.6, NOW + day * 1.6)
    await rotate(sessions, "third", "fourth", NOW + day * 1.2, NOW + day * 2.2)
    now = NOW + day * 1.3
    assert await rotate(sessions, "first", "x", now, now + day) == UNKNOWN
    assert await sessions.find_standing(opened.id, now) is not None
    assert (await rotate(sessions, "second", "y", now, now + day)).kind == "reused"
    assert await sessions.find_standing(opened.id, now) is None


@pytest.mark.parametrize("token", ["first", "second"])
async def test_a_token_ends_its_session_once_whether_used_or_not(
    sessions: Sessions, opened: NewSession, token: str
) -> None:
    await rotate(sessions, "first", "second")
    ended = Rotation(kind="rotated", user_id=opened.user_id, session_id=opened.id)
    assert await sessions.revoke(hashed(token), SOON) == ended
    assert await sessions.revoke(hashed(token), LATER) == UNKNOWN
    assert (await sessions.page(opened.user_id, 10))[0].revoked_at == SOON
    assert await sessions.find_standing(opened.id, SOON) is None


async def test_all_sessions_of_a_user_end(storage: Storage, user_id: UUID) -> None:
    mine = [new_session(user_id, f"mine {n}") for n in range(3)]
    theirs = new_session(await register(storage), "theirs")
    for session in (*mine, theirs):
        await storage.sessions.open(session)
    assert await storage.sessions.revoke_all(user_id, SOON) == 3
    assert await storage.sessions.revoke_all(user_id, SOON) == 0
    standing = [await storage.sessions.find_standing(s.id, SOON) is not None for s in (*mine, theirs)]
    assert standing == [False, False, False, True]


@pytest.mark.parametrize("kept", [None, 1])
async def test_a_new_password_ends_all_sessions_but_one(
    storage: Storage, user_id: UUID, kept: int | None
) -> None:
    mine = [new_session(user_id, f"mine {n}") for n in range(3)]
    theirs = new_session(await register(storage), "theirs")
    for session in (*mine, theirs):
        await storage.sessions.open(session)
    session_id = None if kept is None else mine[kept].id
    await storage.accounts.edit(user_id, AccountChanges(password_hash=HASH), session_id)
    standing = [await storage.sessions.find_standing(s.id, SOON) is not None for s in (*mine, theirs)]
    assert standing == [n == kept for n in range(3)] + [True]


async def test_another_change_of_an_account_ends_no_session(storage: Storage, opened: NewSession) -> None:
    await storage.accounts.edit(opened.user_id, AccountChanges(name="Hail", email="hail@example.org"))
    assert await storage.sessions.find_standing(opened.id, SOON) is not None


async def test_a_password_that_is_not_kept_ends_no_session(storage: Storage, opened: NewSession) -> None:
    await register(storage, email="taken@example.org")
    changes = AccountChanges(email="taken@example.org", password_hash=HASH)
    with pytest.raises(EmailTakenError):
        await storage.accounts.edit(opened.user_id, changes)
    assert await storage.sessions.find_standing(opened.id, SOON) is not None


async def test_many_who_end_all_sessions_at_once_end_each_of_them_once(
    sessions: Sessions, user_id: UUID
) -> None:
    for n in range(10):
        await sessions.open(new_session(user_id, f"token {n}"))
    assert sum(await asyncio.gather(*(sessions.revoke_all(user_id, SOON) for _ in range(5)))) == 10


async def test_a_page_of_sessions_has_the_newest_first(storage: Storage, user_id: UUID) -> None:
    mine = [new_session(user_id, f"mine {n}") for n in range(3)]
    for session in (*mine, new_session(await register(storage), "theirs")):
        await storage.sessions.open(session)
    newest_first = sorted((session.id for session in mine), reverse=True)
    assert [s.id for s in await storage.sessions.page(user_id, 10)] == newest_first
    assert [s.id for s in await storage.sessions.page(user_id, 2)] == newest_first[:2]


async def test_a_page_of_live_sessions_passes_over_those_that_are_over(
    sessions: Sessions, user_id: UUID
) -> None:
    mine = [new_session(user_id, f"mine {n}", id=UUID(int=n + 1)) for n in range(6)]
    mine[4] = replace(mine[4], expires_at=SOON)
    for session in mine:
        await sessions.open(session)
    for ended in (3, 5):
        await sessions.revoke(hashed(f"mine {ended}"), SOON)
    ids = [session.id for session in mine]
    assert [s.id for s in await sessions.page(user_id, 2, live_at=SOON)] == [ids[2], ids[1]]
    assert [s.id for s in await sessions.page(user_id, 2, live_at=SOON, before=ids[1])] == [ids[0]]
    assert [s.id for s in await sessions.page(user_id, 2, before=ids[4])] == [ids[3], ids[2]]


async def test_the_sessions_of_a_closed_account_are_over(storage: Storage, opened: NewSession) -> None:
    assert await storage.departures.close(opened.user_id, news("account.closed"))
    late = new_session(opened.user_id, "late")
    await storage.sessions.open(late)
    for session_id in (opened.id, late.id):
        assert await storage.sessions.find_standing(session_id, SOON) is None
    for token in ("first", "late"):
        assert await rotate(storage.sessions, token, f"after {token}") == UNKNOWN
        assert await storage.sessions.revoke(hashed(token), SOON) == UNKNOWN
    assert await storage.sessions.page(opened.user_id, 10) == []
    assert await storage.sessions.revoke_all(opened.user_id, SOON) == 0
