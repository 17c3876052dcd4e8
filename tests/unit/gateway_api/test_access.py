"""Who may ask what: every route of the table as everybody. A new route without a line here fails."""

from typing import NamedTuple
from uuid import UUID

import pytest
from msgspec.structs import replace

from gateway.routes.table import ROUTES
from subjects.account import AccountClosed
from subjects.codec import seal
from subjects.message import Priority

FAR = "203.0.113.9"
BODIES = {
    ("PATCH", "/api/v1/me"): {},
    ("PATCH", "/api/v1/videos/{video_id}"): {"title": "Mine now"},
}


class Statuses(NamedTuple):
    """What each is answered. A's video is public, unless it says private; keys and ids are A's."""

    nobody: int
    nobody_private: int
    stranger: int
    stranger_private: int
    viewer: int
    bare_key: int


def same(status):
    return Statuses(*[status] * 6)


def signed_in(status):
    """For whoever signed in; keys need a scope that no key without scopes has."""
    return Statuses(401, 401, status, status, status, 403)


ADMINS = Statuses(401, 401, 403, 403, 403, 403)
READ = Statuses(200, 404, 200, 404, 200, 200)
CHANGE = Statuses(401, 401, 403, 404, 403, 403)

EXPECTED = {
    ("POST", "/api/v1/auth/register"): same(201),
    ("POST", "/api/v1/auth/login"): same(401),
    ("POST", "/api/v1/auth/refresh"): same(401),
    ("POST", "/api/v1/auth/logout"): same(204),
    ("GET", "/api/v1/me"): signed_in(200),
    ("PATCH", "/api/v1/me"): signed_in(200),
    ("DELETE", "/api/v1/me"): signed_in(204),
    ("GET", "/api/v1/me/sessions"): signed_in(200),
    ("DELETE", "/api/v1/me/sessions"): signed_in(204),
    ("GET", "/api/v1/me/export"): signed_in(200),
    ("POST", "/api/v1/api-keys"): Statuses(401, 401, 201, 201, 403, 403),
    ("GET", "/api/v1/api-keys"): signed_in(200),
    ("GET", "/api/v1/api-keys/{key_id}"): signed_in(404),
    ("DELETE", "/api/v1/api-keys/{key_id}"): signed_in(404),
    ("GET", "/api/v1/users"): ADMINS,
    ("PUT", "/api/v1/users/{user_id}/role"): ADMINS,
    ("GET", "/.well-known/jwks.json"): same(200),
    ("POST", "/api/v1/videos"): Statuses(401, 401, 201, 201, 403, 403),
    ("GET", "/api/v1/videos"): same(200),
    ("GET", "/api/v1/videos/{video_id}"): READ,
    ("PATCH", "/api/v1/videos/{video_id}"): CHANGE,
    ("DELETE", "/api/v1/videos/{video_id}"): CHANGE,
    ("GET", "/api/v1/videos/{video_id}/events"): READ,
    ("GET", "/api/v1/videos/{video_id}/playback"): READ,
    ("POST", "/api/v1/videos/{video_id}/retry"): CHANGE,
    ("GET", "/api/v1/admin/queues"): ADMINS,
    ("GET", "/api/v1/admin/dead-letters"): ADMINS,
    ("POST", "/api/v1/admin/dead-letters/{sequence}/replay"): ADMINS,
    ("DELETE", "/api/v1/admin/dead-letters/{sequence}"): ADMINS,
    ("GET", "/api/v1/admin/audit"): ADMINS,
    ("GET", "/health"): same(200),
    ("GET", "/ready"): same(200),
    ("GET", "/health/deep"): same(403),
    ("GET", "/metrics"): same(200),
    ("GET", "/api/openapi.json"): same(200),
    ("GET", "/api/docs"): same(200),
}


def test_every_route_has_its_line():
    assert {(route.method, route.path) for route in ROUTES} == set(EXPECTED)


async def asker(house, who):
    stranger = await house.as_user("creator", "stranger")
    if who == "viewer":
        return await house.as_user("viewer")
    if who == "bare_key":
        return await house.with_key(stranger)
    return stranger if who.startswith("stranger") else house.nobody


@pytest.mark.parametrize("who", Statuses._fields)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_each_is_answered_what_they_may_know(house, route, who):
    owner = await house.as_user("creator", "owner")
    visibility = "private" if who.endswith("_private") else "public"
    intent = {
        "title": "A's",
        "visibility": visibility,
        "upload": {"size_bytes": 1, "content_type": "video/mp4"},
    }
    video = (await owner.ask("POST", "/api/v1/videos", intent)).json["video"]
    await house.with_key(owner, "videos:read")
    (key,) = await house.storage.api_keys.page(owner.user_id, None, 1)
    path = route.path.format(video_id=video["id"], user_id=owner.user_id, key_id=key.id, sequence=1)
    body = None if route.body is None else BODIES.get((route.method, route.path), route.example)
    async with house.following():
        told = await (await asker(house, who)).ask(route.method, path, body, peer=FAR)
        if told.stream is not None:
            await told.stream.aclose()
    assert told.status == getattr(EXPECTED[route.method, route.path], who), told.body
    if told.status == 401 and route.needs is not None:
        assert told.headers["WWW-Authenticate"].startswith("Bearer ")
    kept = await house.storage.videos.find(UUID(video["id"]), owner.user_id)
    assert kept is not None
    assert kept.title == "A's"


@pytest.mark.parametrize("role", ["moderator", "admin"])
@pytest.mark.parametrize("by_key", [False, True])
async def test_a_moderator_sees_edits_and_deletes_any_video_and_that_is_written_down(house, role, by_key):
    video = await house.announce(visibility="private")
    powerful = await house.as_user(role)
    asks = await house.with_key(powerful, "moderation") if by_key else powerful
    path, target = f"/api/v1/videos/{video['id']}", f"video:{video['id']}"
    assert (await asks.ask("GET", path)).status == 200
    assert (await asks.ask("GET", f"{path}/playback")).status == 200
    assert (await asks.ask("PATCH", path, {"title": "Moderated"})).json["title"] == "Moderated"
    assert (await asks.ask("DELETE", path)).status == 204
    told = [line for line in await house.trail() if line[1] == target]
    assert told == [("video.deleted", target), ("video.edited", target)]
    entries = await house.storage.audit.page(actor_id=powerful.user_id, target=target, before=None, limit=9)
    (deleted,) = [entry for entry in entries if entry.action == "video.deleted"]
    assert deleted.details["owner"] == video["user_id"]


async def test_a_moderators_list_has_no_private_videos_of_others(house):
    await house.announce(visibility="private")
    moderator = await house.as_user("moderator")
    assert (await moderator.ask("GET", "/api/v1/videos")).json["data"] == []


@pytest.mark.parametrize(
    ("scopes", "seen", "made"),
    [(("videos:read",), 200, 403), (("videos:write",), 200, 201), (("account:read",), 404, 403)],
)
async def test_a_key_opens_what_its_scopes_say(house, video_intent, scopes, seen, made):
    video = await house.announce(visibility="private")
    key = await house.with_key(await house.as_user(), *scopes)
    assert (await key.ask("GET", f"/api/v1/videos/{video['id']}")).status == seen
    assert (await key.ask("POST", "/api/v1/videos", video_intent())).status == made
    assert (await key.ask("GET", "/api/v1/me")).status == (200 if "account:read" in scopes else 403)


async def test_a_known_caller_is_limited_by_account_whatever_they_show_and_anybody_else_by_address(house):
    creator = await house.as_user()
    key = await house.with_key(creator, "videos:read")
    another = await house.with_key(creator, "videos:read")
    for person in (creator, key, another, house.nobody):
        told = await person.ask("GET", "/api/v1/videos", peer=FAR)
        assert told.headers["RateLimit"].startswith('"read"')
    holders = [f"user:{creator.user_id}"] * 3 + [f"address:{FAR}"]
    assert house.limits.spent == [("read", holder) for holder in holders]


async def test_too_many_requests_are_429_with_when_to_come_again(house):
    house.limits.empty.add("read")
    told = await house.ask("GET", "/api/v1/videos")
    assert (told.status, told.json["code"]) == (429, "too_many_requests")
    assert (told.headers["Retry-After"], told.headers["RateLimit"]) == ("7", '"read";r=0;t=7')


async def test_guessing_tokens_is_not_free(house):
    told = await house.nobody.ask("GET", "/api/v1/videos", headers={"X-Api-Key": "tt_wrong"}, peer=FAR)
    assert told.status == 401
    assert house.limits.spent == [("read", f"address:{FAR}")]
    house.limits.empty.add("read")
    told = await house.nobody.ask("GET", "/api/v1/videos", headers={"X-Api-Key": "tt_wrong"}, peer=FAR)
    assert told.status == 429


async def test_an_account_that_was_closed_elsewhere_is_401_and_not_told_of_its_quota(house, video_intent):
    creator = await house.as_user()
    assert (await creator.ask("GET", "/api/v1/me")).status == 200
    closed = seal(AccountClosed(user_id=creator.user_id), message_id="closed", priority=Priority.NORMAL)
    assert await house.storage.departures.close(creator.user_id, closed)
    told = await creator.ask("POST", "/api/v1/videos", video_intent())
    assert (told.status, told.json["code"]) == (401, "unauthenticated")


async def test_a_quota_that_is_used_up_is_429_until_the_next_day(new_house, video_intent):
    house = new_house()
    house.config = replace(house.config, quota=replace(house.config.quota, uploads=1))
    house.build()
    assert (await house.ask("POST", "/api/v1/videos", video_intent())).status == 201
    told = await house.ask("POST", "/api/v1/videos", video_intent())
    assert (told.status, told.json["code"]) == (429, "quota_exceeded")
    assert told.headers["Retry-After"] == str(12 * 3600)
