from itertools import pairwise
from uuid import UUID

import pytest

from gateway.policy import BY_KEYS, BY_ROLE, BY_SCOPE, find_scope_beyond, permissions_of
from gateway.routes.api_keys import LIVE_MAX
from storage.identity_records import ROLES

KEYS = "/api/v1/api-keys"
INTENT = {"name": " nightly ", "scopes": ["videos:read", "videos:write", "videos:read"]}


async def made(person, **changes):
    told = await person.ask("POST", KEYS, INTENT | changes)
    assert told.status == 201, told.body
    return told.json


async def test_a_new_key_tells_its_secret_once(house):
    told = await house.ask("POST", KEYS, INTENT)
    key = told.json
    assert set(key) == {"id", "name", "prefix", "scopes", "created_at", "last_used_at", "secret"}
    assert (key["name"], key["scopes"]) == ("nightly", ["videos:read", "videos:write"])
    assert key["secret"].startswith(key["prefix"])
    assert told.headers["Location"] == f"{KEYS}/{key['id']}"
    shown = (await house.ask("GET", told.headers["Location"])).json
    assert shown == {name: value for name, value in key.items() if name != "secret"}
    assert (await house.ask("GET", KEYS)).json == {"data": [shown], "next_cursor": None}
    kept = house.storage.videos.state.api_keys[UUID(key["id"])]
    assert key["secret"] not in repr(kept)


async def test_a_key_opens_what_its_scopes_say_until_it_is_revoked(house, video_intent):
    key = await made(house)
    headers = {"X-Api-Key": key["secret"]}
    assert (await house.nobody.ask("POST", "/api/v1/videos", video_intent(), headers=headers)).status == 201
    assert (await house.nobody.ask("GET", KEYS, headers=headers)).status == 403
    assert (await house.ask("DELETE", f"{KEYS}/{key['id']}")).status == 204
    assert (await house.nobody.ask("GET", "/api/v1/videos", headers=headers)).status == 401
    for method in ("GET", "DELETE"):
        assert (await house.ask(method, f"{KEYS}/{key['id']}")).status == 404
    target = f"key:{key['id']}"
    assert await house.trail() == [("key.created", target), ("key.revoked", target), ("key.used", target)]


async def test_a_key_of_another_is_404(house):
    key = await made(house)
    other = await house.as_user("creator", "other")
    for method in ("GET", "DELETE"):
        assert (await other.ask(method, f"{KEYS}/{key['id']}")).status == 404
    assert (await other.ask("GET", KEYS)).json["data"] == []
    headers = {"X-Api-Key": key["secret"]}
    assert (await house.nobody.ask("GET", "/api/v1/videos", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"scopes": "videos:read"}, "/scopes"),
        ({"scopes": ["videos:read"] * 21}, "/scopes"),
        ({"scopes": None}, "/scopes"),
        ({"secret": "tt_mine"}, "/secret"),
        ({"user_id": "x"}, "/user_id"),
    ],
)
async def test_a_bad_key_is_named(house, change, pointer):
    told = await house.ask("POST", KEYS, INTENT | change)
    assert (told.status, told.pointers) == (422, [pointer])


@pytest.mark.parametrize(
    ("role", "scope", "status"),
    [
        ("viewer", "videos:read", 201),
        ("viewer", "account:read", 201),
        ("viewer", "videos:write", 403),
        ("creator", "videos:write", 201),
        ("creator", "moderation", 403),
        ("creator", "operations", 403),
        ("moderator", "moderation", 201),
        ("moderator", "operations", 403),
        ("admin", "operations", 201),
    ],
)
async def test_a_key_has_no_scope_beyond_the_role(house, role, scope, status):
    told = await (await house.as_user(role)).ask("POST", KEYS, INTENT | {"scopes": ["account:read", scope]})
    assert told.status == status
    if status == 403:
        assert told.pointers == ["/scopes/1"]


async def test_a_key_loses_with_its_owner_at_once(house):
    moderator, admin = await house.as_user("moderator"), await house.as_user("admin")
    video = await house.announce(visibility="private")
    key = await house.with_key(moderator, "moderation")
    assert (await key.ask("GET", f"/api/v1/videos/{video['id']}")).status == 200
    await admin.ask("PUT", f"/api/v1/users/{moderator.user_id}/role", {"role": "creator"})
    assert (await key.ask("GET", f"/api/v1/videos/{video['id']}")).status == 404


async def test_one_key_too_many_is_409(house):
    for _ in range(LIVE_MAX):
        key = await made(house)
    told = await house.ask("POST", KEYS, INTENT)
    assert (told.status, told.json["code"]) == (409, "conflict")
    await house.ask("DELETE", f"{KEYS}/{key['id']}")
    await made(house)


async def test_keys_are_paged_oldest_first(house):
    names = [f"key {number}" for number in range(5)]
    for name in names:
        await made(house, name=name)
        house.later(1)
    first = (await house.ask("GET", f"{KEYS}?limit=3")).json
    rest = (await house.ask("GET", f"{KEYS}?limit=3&cursor={first['next_cursor']}")).json
    assert [key["name"] for key in first["data"] + rest["data"]] == names
    assert rest["next_cursor"] is None
    for query in ("limit=0", "cursor=x", "colour=red"):
        assert (await house.ask("GET", f"{KEYS}?{query}")).status == 400


async def test_a_key_made_twice_under_one_idempotency_key_is_one_and_its_secret_is_kept_sealed(house):
    again = {"Idempotency-Key": "k-1"}
    first = await house.ask("POST", KEYS, INTENT, headers=again)
    assert (await house.ask("POST", KEYS, INTENT, headers=again)).body == first.body
    assert len((await house.ask("GET", KEYS)).json["data"]) == 1
    (use,) = house.storage.videos.state.key_uses.values()
    assert first.json["secret"].encode() not in use.answer.body


def test_roles_grow_and_keys_only_narrow():
    for lesser, greater in pairwise(ROLES):
        assert BY_ROLE[lesser] < BY_ROLE[greater]
    for role in ROLES:
        assert permissions_of(role, None) == BY_ROLE[role]
        assert permissions_of(role, ()) == frozenset()
        assert permissions_of(role, ("everything",)) == frozenset()
        assert permissions_of(role, tuple(BY_SCOPE)) == BY_ROLE[role] & BY_KEYS
        assert (find_scope_beyond(role, tuple(BY_SCOPE)) is None) == (role == "admin")


def test_no_key_manages_keys_roles_or_the_account():
    assert not BY_KEYS & {"keys.manage", "roles.assign", "account.change", "account.export"}
