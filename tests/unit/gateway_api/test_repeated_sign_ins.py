"""Signing in with an idempotency key: a registration finds its account again, and no answer is ever kept."""

import asyncio

import pytest

from storage.errors import StorageUnavailableError

ADA = {"email": "Ada@Example.org", "password": "correct horse", "name": " Ada "}
SIGN_IN = {"email": "ada@example.org", "password": "correct horse"}
KEY = {"Idempotency-Key": "k-1"}


@pytest.fixture
async def ada(house):
    """What somebody is told who registers."""
    return (await auth(house, "register", ADA)).json


async def auth(house, what, body, **more):
    return await house.nobody.ask("POST", f"/api/v1/auth/{what}", body, peer="203.0.113.9", **more)


async def me(house, signed_in):
    headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
    return await house.nobody.ask("GET", "/api/v1/me", headers=headers)


async def refreshed(house, signed_in, **more):
    return await auth(house, "refresh", {"refresh_token": signed_in["refresh_token"]}, **more)


async def test_a_registration_with_a_key_is_made_once_and_no_answer_is_kept(house):
    first = await auth(house, "register", ADA, headers=KEY)
    again = await auth(house, "register", ADA, headers=KEY)
    assert (first.status, again.status, again.json["user"]) == (201, 201, first.json["user"])
    assert [(await me(house, one.json)).status for one in (first, again)] == [200, 200]
    assert house.storage.videos.state.key_uses == {}
    registered = [line for line in await house.trail() if line[0] == "account.registered"]
    assert len(registered) == 1


async def test_of_two_registrations_with_one_key_at_once_both_are_told_of_one_account(house):
    told = await asyncio.gather(*(auth(house, "register", ADA, headers=KEY) for _ in range(2)))
    assert [one.status for one in told] == [201, 201]
    assert told[0].json["user"]["id"] == told[1].json["user"]["id"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"password": "wrong horse"}, 401, "invalid_credentials"),
        ({"name": "Eve"}, 409, "email_taken"),
    ],
)
async def test_another_registration_of_the_same_email_under_one_key_signs_nobody_in(
    house, change, status, code
):
    await auth(house, "register", ADA, headers=KEY)
    told = await auth(house, "register", ADA | change, headers=KEY)
    assert (told.status, told.json["code"]) == (status, code)


async def test_the_keys_of_others_are_nobody_elses(house, ada):
    assert (await auth(house, "logout", {"refresh_token": "x"}, headers=KEY)).status == 204
    assert (await auth(house, "login", SIGN_IN, headers=KEY)).status == 200
    told = await auth(house, "register", ADA | {"email": "eve@example.org"}, headers=KEY)
    other = await auth(house, "register", ADA | {"email": "zoe@example.org"}, headers=KEY)
    assert told.status == other.status == 201
    assert told.json["user"]["id"] != other.json["user"]["id"]


@pytest.mark.parametrize("what", ["register", "login", "refresh"])
@pytest.mark.parametrize("change", ["closed", "another password"])
async def test_no_repetition_tells_anything_once_the_account_is_closed_or_its_password_another(
    house, what, change
):
    ada = (await auth(house, "register", ADA, headers=KEY)).json
    bodies = {"register": ADA, "login": SIGN_IN, "refresh": {"refresh_token": ada["refresh_token"]}}
    told = await auth(house, what, bodies[what], headers=KEY)
    assert told.status in (200, 201)
    signed_in = {"Authorization": f"Bearer {told.json['access_token']}"}
    if change == "closed":
        assert (await house.nobody.ask("DELETE", "/api/v1/me", headers=signed_in)).status == 204
    else:
        body = {"password": "battery staple", "current_password": ADA["password"]}
        assert (await house.nobody.ask("PATCH", "/api/v1/me", body, headers=signed_in)).status == 200
    repeated = await auth(house, what, bodies[what], headers=KEY)
    assert (repeated.status, repeated.json["code"]) == (401, "invalid_credentials")
    assert "example.org" not in repeated.body.decode()


async def test_passwords_are_guessed_no_faster_by_repeating_a_registration(house):
    await auth(house, "register", ADA, headers=KEY)
    house.limits.empty.add("sign_in_pair")
    assert (await auth(house, "register", ADA, headers=KEY)).status == 429


async def test_a_key_that_is_none_is_named_also_by_a_registration(house):
    told = await auth(house, "register", ADA, headers={"Idempotency-Key": "a b"})
    assert (told.status, told.pointers) == (400, ["/Idempotency-Key"])


async def test_a_registration_that_broke_off_is_finished_by_the_next_try(house):
    sessions, failures = house.storage.sessions, [StorageUnavailableError("gone")]

    class Breaking:
        def __getattr__(self, name):
            return getattr(sessions, name)

        async def open(self, session, *, verified_hash=None):
            if failures:
                raise failures.pop()
            return await sessions.open(session, verified_hash=verified_hash)

    house.storage.sessions = Breaking()
    house.build()
    assert (await auth(house, "register", ADA, headers=KEY)).status == 503
    told = await auth(house, "register", ADA, headers=KEY)
    assert told.status == 201
    assert (await me(house, told.json)).status == 200
    assert (await refreshed(house, told.json)).status == 200


async def test_a_refresh_that_comes_twice_is_reuse_with_a_key_too(house, ada):
    first = await refreshed(house, ada, headers=KEY)
    assert (await refreshed(house, ada, headers=KEY)).status == 401
    assert (await me(house, first.json)).status == 401
