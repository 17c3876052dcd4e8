"""Accounts, sessions and keys over Postgres, as the database user that row-level security holds."""

import asyncio
import json

import pytest

from tests.integration.gateway_api.test_real_servers import ADA, become, opened

ME, KEYS, EXPORT = "/api/v1/me", "/api/v1/api-keys", "/api/v1/me/export"
LOGIN = {name: ADA[name] for name in ("email", "password")}


@pytest.fixture
def house(database_url, url_as, redis_url, nats_url):
    return opened(url_as("truthtok_gateway"), redis_url, nats_url, database_url)


async def said(ask, *asked, status=200, **headers):
    told = await ask(*asked, **headers)
    assert told.status == status, told.body
    return json.loads(told.body) if told.body else None


async def test_a_life_of_an_account(house):
    async with house as ask:
        first = ask.signed_in
        assert await said(ask, "GET", ME) == first["user"]
        assert (await ask("POST", "/api/v1/auth/register", ADA)).status == 409
        second = await said(ask, "POST", "/api/v1/auth/login", LOGIN)
        third = await said(ask, "POST", "/api/v1/auth/refresh", {"refresh_token": second["refresh_token"]})
        ask.signed_in = third
        assert {one["current"] for one in (await said(ask, "GET", f"{ME}/sessions"))["data"]} == {True, False}
        change = {"name": "Ada L.", "password": "battery staple", "current_password": ADA["password"]}
        assert (await said(ask, "PATCH", ME, change))["name"] == "Ada L."
        refresh = {"refresh_token": first["refresh_token"]}
        assert (await ask("POST", "/api/v1/auth/refresh", refresh)).status == 401
        assert (await ask("POST", "/api/v1/auth/login", LOGIN)).status == 401
        assert (
            await ask("POST", "/api/v1/auth/logout", {"refresh_token": third["refresh_token"]})
        ).status == 204
        assert (await ask("GET", ME)).status == 401
        ask.signed_in = await said(ask, "POST", "/api/v1/auth/login", LOGIN | {"password": "battery staple"})
        assert (await ask("DELETE", ME)).status == 204
        assert (await ask("GET", ME)).status == 401
        ask.signed_in = {}
        assert (await ask("POST", "/api/v1/auth/login", LOGIN | {"password": "battery staple"})).status == 401
        await ask.register()


async def test_a_reused_refresh_token_ends_the_session_for_good(house):
    async with house as ask:
        body = {"refresh_token": ask.signed_in["refresh_token"]}
        told = await asyncio.gather(*(ask("POST", "/api/v1/auth/refresh", body) for _ in range(5)))
        assert sorted(one.status for one in told) == [200, 401, 401, 401, 401]
        assert (await ask("GET", ME)).status == 401


async def test_of_many_who_register_one_email_at_once_one_gets_it(house):
    async with house as ask:
        ask.signed_in = {}
        same = [ADA | {"email": email} for email in ("eve@example.org", "EVE@example.org") * 3]
        told = await asyncio.gather(*(ask("POST", "/api/v1/auth/register", one) for one in same))
        assert sorted(one.status for one in told) == [201, 409, 409, 409, 409, 409]


async def test_a_registration_that_comes_again_with_its_key_signs_in_to_the_same_account(house):
    async with house as ask:
        ask.signed_in = {}
        eve = ADA | {"email": "eve@example.org"}
        first = await ask("POST", "/api/v1/auth/register", eve, idempotency_key="k")
        again = await ask("POST", "/api/v1/auth/register", eve, idempotency_key="k")
        assert (first.status, again.status) == (201, 201)
        users = [json.loads(told.body)["user"] for told in (first, again)]
        assert users[0] == users[1]
        guess = eve | {"password": "wrong horse"}
        assert (await ask("POST", "/api/v1/auth/register", guess, idempotency_key="k")).status == 401


async def test_a_key_opens_until_it_is_revoked_and_its_use_is_kept(house):
    async with house as ask:
        key = await said(ask, "POST", KEYS, {"name": "k", "scopes": ["videos:write"]}, status=201)
        video = await said(
            ask,
            "POST",
            "/api/v1/videos",
            {"title": "By key", "upload": {"size_bytes": 10, "content_type": "video/mp4"}},
            status=201,
            x_api_key=key["secret"],
        )
        assert video["video"]["user_id"] == ask.signed_in["user"]["id"]
        (listed,) = (await said(ask, "GET", KEYS))["data"]
        assert listed["last_used_at"] is not None
        assert (await ask("DELETE", f"{KEYS}/{key['id']}")).status == 204
        assert (await ask("GET", "/api/v1/videos", x_api_key=key["secret"])).status == 401


async def test_an_export_is_whole_under_row_level_security(house):
    async with house as ask:
        ids = {await ask.announce() for _ in range(3)}
        await ask("PATCH", f"/api/v1/videos/{min(ids)}", {"visibility": "private"})
        owner = ask.signed_in
        await become(ask, "admin")
        await said(ask, "PUT", f"/api/v1/users/{owner['user']['id']}/role", {"role": "viewer"})
        ask.signed_in = owner
        told = await ask("GET", EXPORT)

        async def drained():
            return b"".join([part async for part in told.stream])

        # The transport takes the parts after the request, in tasks of its own.
        document = json.loads(await asyncio.create_task(drained()))
        assert {video["id"] for video in document["videos"]} == ids
        assert {upload["video_id"] for upload in document["uploads"]} == ids
        assert all(upload["length_bytes"] == 10 for upload in document["uploads"])
        (day,) = document["upload_days"]
        assert (day["uploads"], day["size_bytes"]) == (len(ids), 10 * len(ids))
        assert len(document["sessions"]) == 1
        actions = [line["action"] for line in document["audit"]]
        assert {"account.registered", "session.opened", "account.exported", "role.changed"} <= set(actions)


async def test_the_events_of_a_private_video_reach_its_owner_and_nobody_else(house):
    async with house as ask:
        path = f"/api/v1/videos/{await ask.announce()}"
        await ask("PATCH", path, {"visibility": "private"})
        stream = (await ask("GET", f"{path}/events")).stream

        async def snapshot():
            return [await anext(stream) for _ in range(2)]

        _, video = await asyncio.create_task(snapshot())
        assert b"event: video\n" in video
        await stream.aclose()
        await ask.register(email="eve@example.org")
        assert (await ask("GET", f"{path}/events")).status == 404


async def test_moderators_change_any_video_and_administrators_give_roles(house):
    async with house as ask:
        path, owner = f"/api/v1/videos/{await ask.announce()}", ask.signed_in["user"]["id"]
        await ask("PATCH", path, {"visibility": "private"})
        await become(ask, "moderator")
        assert (await said(ask, "PATCH", path, {"title": "Moderated"}))["title"] == "Moderated"
        assert (await ask("GET", "/api/v1/users")).status == 403
        key = await said(ask, "POST", KEYS, {"name": "k", "scopes": ["moderation"]}, status=201)
        assert (await ask("DELETE", path, x_api_key=key["secret"])).status == 204
        await become(ask, "admin")
        assert (await said(ask, "PUT", f"/api/v1/users/{owner}/role", {"role": "admin"}))["role"] == "admin"
        users = (await said(ask, "GET", "/api/v1/users"))["data"]
        assert ADA["email"] in {user["email"] for user in users}
        target = path.replace("/api/v1/videos/", "video:")
        lines = (await said(ask, "GET", f"/api/v1/admin/audit?target={target}"))["data"]
        assert {line["action"] for line in lines} == {"video.edited", "video.deleted"}
        key = await said(ask, "POST", KEYS, {"name": "k", "scopes": ["operations"]}, status=201)
        lines = (await said(ask, "GET", "/api/v1/admin/audit", x_api_key=key["secret"]))["data"]
        assert "role.changed" in {line["action"] for line in lines}


async def test_an_older_hash_is_made_anew(house):
    async with house as ask:
        user = ask.signed_in["user"]["id"]
        kept = await ask.storage.accounts.find_credentials(ADA["email"])
        ask.api.dispatcher.house.passwords._passes = 2
        await said(ask, "POST", "/api/v1/auth/login", LOGIN)
        newer = await ask.storage.accounts.find_credentials(ADA["email"])
        assert ("t=1" in kept.password_hash, "t=2" in newer.password_hash) == (True, True)
        assert str(newer.account.id) == user
