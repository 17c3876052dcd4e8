"""Who may do what, from registration to the last row, over HTTP on a whole stack."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx2
import psutil
import pytest

from deploy.client import Client
from deploy.found_stack import find_stack
from tests.e2e.conftest import DEMO, PASSWORD, ROOT, Stack, bearer, ended, new_stack, upload
from tests.e2e.person import administrator, login, operator, post, register, told

SETTLED_SECONDS = 6.0
"""By then a change of somebody's rights counts in every process."""
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
BODIES: dict[str, Any] = {"PATCH": {"title": "Mine now"}}


@pytest.fixture(scope="module")
def peopled(server_binaries: None) -> Iterator[Stack]:
    """A stack that sweeps every second."""
    for one in new_stack():
        one.environment["TRUTHTOK_SWEEP_SECONDS"] = "1"
        one.start()
        yield one


def routes_of_a_video(video_id: str) -> list[tuple[str, str]]:
    """Every method and path that names a video, by the document of the API."""
    return [
        (method.upper(), path.replace("{video_id}", video_id))
        for path, methods in DOCUMENT["paths"].items()
        if "{video_id}" in path
        for method in methods
        if method in ("get", "put", "post", "patch", "delete")
    ]


async def within(seconds: float, condition: Callable[[], Awaitable[object]]) -> float:
    """Wait until a condition holds and return how many seconds that took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_a_private_video_is_there_for_its_owner_alone(peopled: Stack, http: httpx2.AsyncClient) -> None:
    owner, stranger = [await register(peopled, http, name) for name in ("owner", "stranger")]
    video_id = await upload(owner.client, DEMO, "Secret rain")
    await ended(owner.client, video_id)
    path = f"/api/v1/videos/{video_id}"
    assert (await stranger.ask("GET", path)).status_code == 200
    assert (await owner.ask("PATCH", path, {"visibility": "private"})).status_code == 200

    routes = routes_of_a_video(video_id)
    assert {("GET", path), ("DELETE", path), ("POST", f"{path}/retry")} <= set(routes)
    for method, route in routes:
        answer = await stranger.ask(method, route, BODIES.get(method))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, route)
        nobody = await http.request(method, peopled.api + route, json=BODIES.get(method))
        assert nobody.status_code == (404 if method == "GET" else 401), (method, route)
    for asked in ("?limit=100", "?q=secret", f"?user_id={owner.id}"):
        listed = (await stranger.ask("GET", f"/api/v1/videos{asked}")).json()["data"]
        assert video_id not in {one["id"] for one in listed}
    mine = (await owner.ask("GET", "/api/v1/videos?q=secret")).json()["data"]
    assert [one["id"] for one in mine] == [video_id]
    assert (await owner.ask("GET", path)).json()["title"] == "Secret rain"
    assert (await owner.ask("GET", f"{path}/playback")).status_code == 200


def test_each_process_has_the_database_user_and_the_keys_that_it_needs(peopled: Stack) -> None:
    keys = {"TRUTHTOK_SIGNING_KEY", "TRUTHTOK_TOKEN_KEYS", "TRUTHTOK_MASTER_KEYS", "TRUTHTOK_API_KEY"}
    users = {"api": "truthtok_api", "media": "truthtok_media"}
    pids = {name: pid for name, pid in peopled.pids().items() if name not in ("nats", "postgres", "redis")}
    assert {"api", "media", "prober", "forgetter"} <= set(pids)
    for name, pid in pids.items():
        environment = psutil.Process(pid).environ()
        assert urlsplit(environment["DATABASE_URL"]).username == users.get(name, "truthtok_actors"), name
        needed = keys - {"TRUTHTOK_API_KEY"} if name in users else set()
        assert keys & set(environment) == needed, name


async def test_an_upload_takes_an_account_on_both_gateways(peopled: Stack, http: httpx2.AsyncClient) -> None:
    intent = {"title": "x", "upload": {"size_bytes": 1, "content_type": "video/mp4"}}
    for token in ("", "tt_" + "x" * 43, "not.a.token"):
        headers = bearer(token) if token else {}
        announced = await http.post(f"{peopled.api}/api/v1/videos", json=intent, headers=headers)
        begun = await http.post(
            f"{peopled.media}/uploads",
            headers={**headers, "Tus-Resumable": "1.0.0", "Upload-Length": "9"},
        )
        for answer in (announced, begun):
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), token
            assert answer.headers["www-authenticate"].startswith("Bearer ")
    person = await register(peopled, http, "uploader")
    assert (await person.announce()).status_code == 201


async def test_refresh_tokens_are_used_once_and_a_stolen_one_ends_the_sign_in(
    peopled: Stack, http: httpx2.AsyncClient
) -> None:
    person = await register(peopled, http, "refresher")
    stolen = person.refresh_token
    for _ in range(3):
        assert (await person.refresh()).status_code == 200
        assert (await person.ask("GET", "/api/v1/me")).json()["email"] == person.email
    other = await login(peopled, http, person.email)

    reused = await post(peopled, http, "/api/v1/auth/refresh", {"refresh_token": stolen})
    assert (reused.status_code, reused.json()["code"]) == (401, "invalid_credentials")
    assert (await person.refresh()).status_code == 401
    assert (await person.ask("GET", "/api/v1/me")).status_code == 401
    await within(SETTLED_SECONDS, lambda: is_refused(person.announce()))
    assert (await other.ask("GET", "/api/v1/me")).status_code == 200, "another sign-in is not concerned"


async def is_refused(asking: Awaitable[httpx2.Response]) -> bool:
    return (await asking).status_code == 401


async def test_who_signs_out_is_out(peopled: Stack, http: httpx2.AsyncClient) -> None:
    await register(peopled, http, "leaver")
    person = await login(peopled, http, "LEAVER@example.org")
    assert (await person.announce()).status_code == 201
    out = await post(peopled, http, "/api/v1/auth/logout", {"refresh_token": person.refresh_token})
    assert out.status_code == 204
    assert (await person.ask("GET", "/api/v1/me")).status_code == 401
    assert (await person.refresh()).status_code == 401
    await within(SETTLED_SECONDS, lambda: is_refused(person.announce()))


async def test_an_api_key_uploads_and_does_nothing_else_until_it_is_revoked(
    peopled: Stack, http: httpx2.AsyncClient
) -> None:
    person = await register(peopled, http, "keeper")
    made = await person.ask(
        "POST", "/api/v1/api-keys", {"name": "camera", "scopes": ["videos:read", "videos:write"]}
    )
    key = made.json()
    camera = Client(peopled.api, http, key["secret"])
    video = await ended(camera, await upload(camera, DEMO))
    assert (video["status"], video["user_id"]) == ("ready", person.id)
    for method, path in (("GET", "/api/v1/me"), ("GET", "/api/v1/api-keys"), ("DELETE", "/api/v1/me")):
        answer = await http.request(method, peopled.api + path, headers=camera.credentials)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await person.ask("DELETE", f"/api/v1/api-keys/{key['id']}")).status_code == 204
    ask = f"{peopled.api}/api/v1/videos"
    assert (await http.get(ask, headers=camera.credentials)).status_code == 401


async def test_the_first_administrator_gives_and_takes_power(
    peopled: Stack, http: httpx2.AsyncClient
) -> None:
    admin = await administrator(peopled, http, "boss")
    owner, helper = [await register(peopled, http, name) for name in ("private", "moderator")]
    video_id = await upload(owner.client, DEMO, "Private")
    path = f"/api/v1/videos/{video_id}"
    assert (await owner.ask("PATCH", path, {"visibility": "private"})).status_code == 200
    role = f"/api/v1/users/{helper.id}/role"
    assert (await helper.ask("PUT", role, {"role": "admin"})).status_code == 403
    assert (await helper.ask("GET", path)).status_code == 404

    assert (await admin.ask("PUT", role, {"role": "moderator"})).json()["role"] == "moderator"
    await within(SETTLED_SECONDS, lambda: answers(helper.ask("GET", path), 200))
    assert (await helper.ask("GET", "/api/v1/admin/audit")).status_code == 403
    assert (await admin.ask("PUT", role, {"role": "viewer"})).json()["role"] == "viewer"
    await within(SETTLED_SECONDS, lambda: answers(helper.ask("GET", path), 404))
    await within(SETTLED_SECONDS, lambda: answers(helper.announce(), 403))

    trail = (await admin.ask("GET", f"/api/v1/admin/audit?target=user:{helper.id}")).json()["data"]
    changes = [one["details"] for one in trail if one["action"] == "role.changed"]
    assert changes == [{"from": "moderator", "to": "viewer"}, {"from": "creator", "to": "moderator"}]
    assert {one["actor_id"] for one in trail if one["action"] == "role.changed"} == {admin.id}
    assert "@example.org" not in json.dumps(trail)


async def answers(asking: Awaitable[httpx2.Response], status: int) -> bool:
    return (await asking).status_code == status


async def test_who_leaves_takes_everything_along(peopled: Stack, http: httpx2.AsyncClient) -> None:
    person, other = [await register(peopled, http, name) for name in ("goer", "stayer")]
    video_ids = [await upload(person.client, DEMO, f"Clip {number}") for number in range(2)]
    for video_id in video_ids:
        await ended(person.client, video_id)
    assert (await person.announce()).status_code == 201, "an upload that never comes to an end"
    kept = await upload(other.client, DEMO, "Stays")
    await ended(other.client, kept)
    secret = (
        await person.ask("POST", "/api/v1/api-keys", {"name": "camera", "scopes": ["videos:read"]})
    ).json()["secret"]
    await check_export(person, video_ids)
    assert objects_of(peopled, *video_ids)

    assert (await person.ask("DELETE", "/api/v1/me")).status_code in (200, 202, 204)
    for asking in (
        person.ask("GET", "/api/v1/me"),
        http.get(f"{peopled.api}/api/v1/videos", headers=bearer(secret)),
        person.refresh(),
        post(peopled, http, "/api/v1/auth/login", {"email": person.email, "password": PASSWORD}),
    ):
        assert (await asking).status_code == 401
    await within(SETTLED_SECONDS, lambda: is_refused(person.announce()))

    await within(60, lambda: nothing_is_left_of(peopled, person.id, video_ids))
    assert (await other.ask("GET", f"/api/v1/videos/{kept}")).status_code == 200
    assert objects_of(peopled, kept)
    again = {"email": person.email, "password": PASSWORD, "name": "Back"}
    back = told(peopled, http, await post(peopled, http, "/api/v1/auth/register", again))
    assert back.id != person.id


async def check_export(person: Any, video_ids: list[str]) -> None:
    """The person can take along what is kept of them."""
    document = (await person.ask("GET", "/api/v1/me/export")).json()
    assert document["complete"] is True
    assert document["account"]["email"] == person.email
    assert {*video_ids} <= {one["id"] for one in document["videos"]}
    assert [one["name"] for one in document["api_keys"]] == ["camera"]


def objects_of(stack: Stack, *video_ids: str) -> list[Path]:
    """The files of videos, and whatever is staged."""
    objects = stack.data / "objects"
    folders = (objects / "videos" / one for one in video_ids)
    # Not rglob: it raises when a folder goes while it looks, and that is what is waited for here.
    return [Path(place) / name for folder in folders for place, _, names in os.walk(folder) for name in names]


async def nothing_is_left_of(stack: Stack, user_id: str, video_ids: list[str]) -> bool:
    """Whether neither a row nor an object names a person or their videos. The audit trail stays."""
    return not objects_of(stack, *video_ids) and not await rows_naming(stack, user_id, *video_ids)


async def rows_naming(stack: Stack, *ids: str) -> list[str]:
    """The tables and columns in which one of these ids still stands."""
    found = find_stack(stack.data)
    assert found is not None
    connection = await asyncpg.connect(found.database_url)
    try:
        columns = await connection.fetch(
            "select table_name, column_name from information_schema.columns c"
            " join information_schema.tables t using (table_schema, table_name)"
            " where table_schema = 'public' and table_type = 'BASE TABLE' and data_type = 'uuid'"
            " and table_name not in ('audit_entries', 'outbox')"
        )
        assert {"users", "videos", "uploads"} <= {one["table_name"] for one in columns}
        return [
            f"{table}.{column}"
            for table, column in columns
            if await connection.fetchval(
                f'select exists (select from "{table}" where "{column}" = any($1::uuid[]))',  # noqa: S608
                list(ids),
            )
        ]
    finally:
        await connection.close()


@pytest.mark.timeout(180)
async def test_new_keys_end_nothing_that_the_former_ones_began(
    own_stack: Stack, http: httpx2.AsyncClient
) -> None:
    stack = own_stack
    stack.start()
    person = await register(stack, http, "rain")
    video_id = await upload(person.client, DEMO)
    await ended(person.client, video_id)
    poster = (await person.client.playback(video_id))["poster"]
    begun = (await person.announce(len(DEMO.read_bytes()))).headers["location"]
    intent = {"title": "Once", "upload": {"size_bytes": 1, "content_type": "video/mp4"}}
    once = {"Idempotency-Key": "before-and-after"}
    first = await person.ask("POST", "/api/v1/videos", intent, **once)
    old_kids = await key_ids(stack, http)
    cursor = (await person.ask("GET", "/api/v1/videos?limit=1")).json()["next_cursor"]

    assert stack.stop() == 0
    assert "sign and seal from the next `truthtok up`" in operator(stack, "keys", "rotate").stdout
    stack.start()

    assert (await person.ask("GET", "/api/v1/me")).json()["email"] == person.email
    assert (await http.get(poster)).status_code == 200
    await person.client.upload(begun, DEMO, lambda _: None)
    assert (await person.ask("POST", "/api/v1/videos", intent, **once)).content == first.content
    assert (await person.ask("GET", f"/api/v1/videos?limit=1&cursor={cursor}")).status_code == 200
    assert (await person.refresh()).status_code == 200
    kids = await key_ids(stack, http)
    assert (len(kids), kids[1:]) == (2, old_kids)
    again = await login(stack, http, person.email)
    assert again.id == person.id
    twice = ("users", "create", "--email", person.email, "--role", "viewer")
    assert "another account" in operator(stack, *twice, said=PASSWORD).stderr
    rewrapped = operator(stack, "keys", "rewrap").stdout
    assert rewrapped.startswith("1 accounts brought under the newest master key\n")
    assert person.email in operator(stack, "users", "list").stdout
    assert (await login(stack, http, person.email)).id == person.id
    assert operator(stack, "upload", "--api", stack.api, str(DEMO)).returncode == 0


async def key_ids(stack: Stack, http: httpx2.AsyncClient) -> list[str]:
    found = (await http.get(f"{stack.api}/.well-known/jwks.json")).json()["keys"]
    return [one["kid"] for one in found]
