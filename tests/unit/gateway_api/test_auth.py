"""Register, sign in, refresh, sign out: and what a guesser learns, which is nothing."""

import asyncio
import json
import logging
from uuid import UUID

import pytest
from msgspec.structs import replace

from storage.errors import StorageUnavailableError

ADA = {"email": "Ada@Example.org", "password": "correct horse", "name": " Ada "}
SIGN_IN = {"email": "ada@example.org", "password": "correct horse"}
FAR = "203.0.113.9"

UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200d"
    "\u2065\u2800\u3164\ufe00\ufe0f\ufeff\uffa0\ufff0\U000e0100"
)
"""Nothing is drawn for these: with one in it an e-mail looks like another's."""


@pytest.fixture
async def ada(house):
    """What somebody is told who registers."""
    told = await house.nobody.ask("POST", "/api/v1/auth/register", ADA, peer=FAR)
    assert told.status == 201, told.body
    return told.json


async def auth(house, what, body, **more):
    return await house.nobody.ask("POST", f"/api/v1/auth/{what}", body, peer=FAR, **more)


async def me(house, signed_in):
    headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
    return await house.nobody.ask("GET", "/api/v1/me", headers=headers)


async def refreshed(house, signed_in, **more):
    return await auth(house, "refresh", {"refresh_token": signed_in["refresh_token"]}, **more)


async def test_who_registers_is_signed_in_at_once(house, ada):
    assert set(ada) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert set(ada["user"]) == {"id", "email", "name", "role", "created_at"}
    user = ada["user"]
    assert (user["email"], user["name"], user["role"]) == ("Ada@Example.org", "Ada", "creator")
    assert (ada["token_type"], ada["expires_in"]) == ("Bearer", 900)
    assert (await me(house, ada)).json == user
    target = f"user:{user['id']}"
    assert await house.trail() == [("account.registered", target), ("session.opened", target)]


async def test_an_answer_with_tokens_is_never_stored_on_the_way(house, ada):
    told = await auth(house, "login", SIGN_IN)
    assert told.headers["Cache-Control"] == "no-store"


BAD = [
    ({"email": "ada"}, "/email"),
    ({"email": "@example.org"}, "/email"),
    ({"email": "ada@"}, "/email"),
    ({"email": "a@b@c"}, "/email"),
    ({"email": "a b@example.org"}, "/email"),
    ({"email": " ada@example.org"}, "/email"),
    ({"email": "ada@example.org\n"}, "/email"),
    ({"email": "a\u0007da@example.org"}, "/email"),
    ({"email": "a\u00a0da@example.org"}, "/email"),
    ({"email": "a\u202eda@example.org"}, "/email"),
    *(({"email": f"a{one}da@example.org"}, "/email") for one in UNSEEN),
    ({"email": "ada@exam\ufe0fple.org"}, "/email"),
    ({"email": "a\uff20b@example.org"}, "/email"),
    ({"email": "a@" + "x" * 253}, "/email"),
    ({"email": "a@" + "\ufdfa" * 100}, "/email"),
    ({"email": None}, "/email"),
    ({"email": ["ada@example.org"]}, "/email"),
    ({"name": ""}, "/name"),
    ({"name": "  "}, "/name"),
    ({"name": "x" * 201}, "/name"),
    ({"name": "x" * 2000}, "/name"),
    ({"name": "\x00"}, "/name"),
    ({"password": "1234567"}, "/password"),
    ({"password": "x" * 257}, "/password"),
    ({"password": 12345678}, "/password"),
    ({"password": " " * 8}, "/password"),
    ({"password": "\u3000\u00a0" * 8}, "/password"),
    ({"password": "a\x00bcdefgh"}, "/password"),
    ({"role": "admin"}, "/role"),
    ({"id": "01990000-0000-7000-8000-00000000ffff"}, "/id"),
]


@pytest.mark.parametrize(("change", "pointer"), BAD)
async def test_a_bad_registration_is_named_and_makes_nobody(house, change, pointer):
    told = await auth(house, "register", ADA | change)
    assert (told.status, told.pointers) == (422, [pointer])
    assert await house.storage.accounts.find_credentials(ADA["email"]) is None
    assert str(change.get("password", "none")) not in told.body.decode()


@pytest.mark.parametrize(
    "email", ["x@y", "a.b+c@sub.example.org", "ü@bücher.example", '"@'.replace('"', "q") + "z"]
)
async def test_an_email_with_one_at_is_taken(house, email):
    assert (await auth(house, "register", ADA | {"email": email})).status == 201


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@EXAMPLE.ORG", "\uff21da@example.org"])
async def test_an_email_that_has_an_account_is_409_however_it_is_written(house, ada, email):
    told = await auth(house, "register", ADA | {"email": email, "password": "another horse"})
    assert (told.status, told.json["code"]) == (409, "email_taken")
    assert (await auth(house, "login", SIGN_IN)).status == 200


async def test_where_nobody_may_register_it_is_403(house):
    house.config = replace(house.config, register_as=None)
    house.build()
    assert (await auth(house, "register", ADA)).status == 403


async def test_the_installation_says_what_a_new_account_may(house):
    house.config = replace(house.config, register_as="viewer")
    house.build()
    assert (await auth(house, "register", ADA)).json["user"]["role"] == "viewer"


async def test_registering_spends_from_its_own_limit(house, ada):
    assert house.limits.spent == [("register", f"address:{FAR}")]
    house.limits.empty.add("register")
    assert (await auth(house, "register", ADA)).status == 429


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@example.ORG", " ada@example.org "])
async def test_a_sign_in_takes_email_and_password(house, ada, email):
    told = await auth(house, "login", {"email": email, "password": ADA["password"]})
    assert (told.status, told.json["user"]) == (200, ada["user"])
    assert (await me(house, told.json)).status == 200
    assert (await me(house, ada)).status == 200


@pytest.mark.parametrize(
    "change", [{"email": "x" * 255}, {"password": "x" * 257}, {"email": 1}, {"remember": True}]
)
async def test_a_sign_in_that_cannot_be_one_is_422(house, change):
    assert (await auth(house, "login", SIGN_IN | change)).status == 422


async def test_an_older_hash_is_made_anew_at_the_next_sign_in(house, ada):
    before = await house.storage.accounts.find_credentials(ADA["email"])
    house.config = replace(house.config, password_passes=2)
    house.build()
    assert (await auth(house, "login", SIGN_IN)).status == 200
    after = await house.storage.accounts.find_credentials(ADA["email"])
    assert ("t=1" in before.password_hash, "t=2" in after.password_hash) == (True, True)
    assert (await auth(house, "login", SIGN_IN)).status == 200
    assert await house.storage.accounts.find_credentials(ADA["email"]) == after


async def test_a_refresh_token_gives_new_tokens_once(house, ada):
    told = await refreshed(house, ada)
    assert (told.status, told.json["user"]) == (200, ada["user"])
    assert told.json["refresh_token"] != ada["refresh_token"]
    assert (await me(house, told.json)).status == 200
    assert (await refreshed(house, told.json)).status == 200


async def test_a_refresh_token_that_comes_twice_ends_the_whole_sign_in(house, ada):
    other = (await auth(house, "login", SIGN_IN)).json
    second = (await refreshed(house, ada)).json
    assert (await me(house, second)).status == 200
    told = await refreshed(house, ada)
    assert (told.status, told.json["code"]) == (401, "invalid_credentials")
    assert [(await me(house, one)).status for one in (ada, second, other)] == [401, 401, 200]
    assert (await refreshed(house, second)).status == 401
    assert ("session.reused", f"user:{ada['user']['id']}") in await house.trail()


async def test_of_two_who_refresh_at_once_one_loses_and_both_are_signed_out(house, ada):
    told = await asyncio.gather(refreshed(house, ada), refreshed(house, ada))
    assert sorted(one.status for one in told) == [200, 401]
    winner = next(one.json for one in told if one.status == 200)
    assert (await me(house, winner)).status == 401


@pytest.mark.parametrize("token", ["", "ttr_", "nonsense", "ttr_" + "a" * 43, "tt_" + "a" * 43, "é" * 50])
async def test_a_token_that_is_none_gets_the_same_401_and_signs_nobody_out(house, ada, token):
    told = await auth(house, "refresh", {"refresh_token": token}, headers={"X-Request-Id": "r"})
    wrong = await auth(house, "login", SIGN_IN | {"password": "no"}, headers={"X-Request-Id": "r"})
    assert (told.status, told.body) == (401, wrong.body)
    assert (await auth(house, "logout", {"refresh_token": token})).status == 204
    assert (await me(house, ada)).status == 200


async def test_an_access_token_is_no_refresh_token(house, ada):
    told = await auth(house, "refresh", {"refresh_token": ada["access_token"]})
    assert told.status == 422


async def test_a_sign_in_ends_when_it_was_not_used_for_long(house, ada):
    house.later(house.config.refresh_token_seconds - 1)
    second = await refreshed(house, ada)
    assert second.status == 200
    house.later(house.config.refresh_token_seconds)
    assert (await refreshed(house, second.json)).status == 401


async def test_signing_out_ends_the_access_token_at_once(house, ada):
    assert (await me(house, ada)).status == 200
    body = {"refresh_token": ada["refresh_token"]}
    told = await auth(house, "logout", body)
    assert (told.status, told.body) == (204, b"")
    told = await me(house, ada)
    assert (told.status, told.json["code"]) == (401, "unauthenticated")
    assert 'error="invalid_token"' in told.headers["WWW-Authenticate"]
    assert (await refreshed(house, ada)).status == 401
    assert (await auth(house, "logout", body)).status == 204
    closed = [line for line in await house.trail() if line[0] == "session.closed"]
    assert closed == [("session.closed", f"user:{ada['user']['id']}")]


async def test_what_was_ended_elsewhere_ends_here_within_five_seconds(house, ada):
    assert (await me(house, ada)).status == 200
    await house.storage.sessions.revoke_all(UUID(ada["user"]["id"]), house.now())
    house.later(5)
    assert (await me(house, ada)).status == 401


async def test_a_stale_token_in_the_headers_hinders_nobody_to_sign_in(house, ada):
    stale = {"Authorization": "Bearer stale", "X-Api-Key": "stale"}
    assert (await auth(house, "login", SIGN_IN, headers=stale)).status == 200
    assert (await refreshed(house, ada, headers=stale)).status == 200


async def test_no_password_and_no_token_reaches_the_logs(house, caplog):
    with caplog.at_level(logging.DEBUG):
        told = await auth(house, "register", ADA)
        await me(house, told.json)
        await refreshed(house, told.json)
        await auth(house, "login", SIGN_IN | {"password": "wrong horse"})
    logged = json.dumps([record.getMessage() for record in caplog.records])
    assert told.json["user"]["id"] in logged
    for secret in ("horse", told.json["access_token"], told.json["refresh_token"], "example.org"):
        assert secret not in logged


async def test_a_trail_that_cannot_be_kept_goes_to_the_log_and_the_sign_in_stays(house, caplog):
    class Down:
        async def record(self, entries):
            raise StorageUnavailableError("gone")

    house.audit = Down()
    house.build()
    told = await auth(house, "register", ADA)
    assert told.status == 201
    kept = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert any("session.opened" in line and told.json["user"]["id"] in line for line in kept)
