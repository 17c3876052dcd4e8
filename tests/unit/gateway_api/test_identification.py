"""What a request shows to be known by, and what is refused before anything is looked up."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.identity.credentials import LONGEST, find_shown
from gateway.identity.identification import TELL_SECONDS, TOUCH_SECONDS
from gateway.identity.minting import API_KEY, REFRESH_TOKEN, find_hash, hash_of, mint
from gateway.problems import ProblemError
from storage.errors import StorageUnavailableError

ME = "/api/v1/me"
FAR = "203.0.113.9"


async def asked(house, **headers):
    return await house.send(
        "GET", "/api/v1/videos", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_a_token_is_taken_whatever_the_case_of_its_scheme(house, scheme):
    token = (await house.as_user()).headers["Authorization"].removeprefix("Bearer ")
    assert (await house.send("GET", ME, headers={"Authorization": scheme + token})).status == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Token abc",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer a,b",
        "Bearer é",
        "Bearer \x00",
        "Bearer a\n",
        "Bearer =",
        "Bearertoken",
        "tt_" + "a" * 43,
        "Bearer " + "x" * LONGEST,
        "Bearer " + "." * 3000,
        "x" * 1_000_000,
    ],
)
async def test_a_header_that_names_nobody_is_401_even_where_anybody_may_read(house, header):
    told = await asked(house, authorization=header)
    assert (told.status, told.json["code"]) == (401, "unauthenticated")
    assert told.headers["WWW-Authenticate"] == 'Bearer realm="truthtok", error="invalid_token"'


@pytest.mark.parametrize(
    "key", ["", "tt_", "tt_short", "ttr_" + "a" * 43, "tt_" + "é" * 43, "x" * 100_000, "tt_" + "a" * 43]
)
async def test_a_key_that_is_none_is_401(house, key):
    told = await asked(house, x_api_key=key)
    assert (told.status, told.json["code"]) == (401, "unauthenticated")
    assert 'error="invalid_token"' in told.headers["WWW-Authenticate"]


async def test_nothing_shown_is_nobody_and_no_error_is_named(house):
    told = await house.nobody.ask("GET", ME)
    assert (told.status, told.headers["WWW-Authenticate"]) == (401, 'Bearer realm="truthtok"')


async def test_a_key_goes_in_either_header(house):
    key = (await house.with_key(await house.as_user(), "account:read")).api_key
    for headers in ({"X-Api-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert (await house.send("GET", ME, headers=headers)).status == 200
    both = {"X-Api-Key": key, "Authorization": f"Bearer {key}"}
    assert (await house.send("GET", ME, headers=both)).status == 200


async def test_two_who_ask_at_once_are_400(house):
    one = await house.as_user()
    key = await house.with_key(await house.as_user("creator", "other"), "account:read")
    told = await house.send("GET", ME, headers=one.headers | key.headers)
    assert (told.status, told.json["code"]) == (400, "malformed_request")
    assert 'error="invalid_request"' in told.headers["WWW-Authenticate"]


async def test_an_access_token_does_not_go_where_keys_go(house):
    token = (await house.as_user()).headers["Authorization"].removeprefix("Bearer ")
    assert (await asked(house, x_api_key=token)).status == 401


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["authorization", "x-api-key"]), st.text(max_size=80), min_size=1))
def test_any_headers_are_a_credential_or_a_4xx(headers):
    try:
        shown = find_shown(headers)
    except ProblemError as error:
        outcome = error.status
    else:
        outcome = shown.kind if shown is not None else "nothing"
    assert outcome in (400, 401, "key", "token")


async def test_a_token_for_the_session_of_another_is_refused(house):
    one, other = await house.as_user(), await house.as_user("creator", "other")
    token = house.tokens.issue(one.user_id, other.session_id, house.now())
    assert (await asked(house, authorization=f"Bearer {token}")).status == 401


async def test_a_session_that_never_was_is_refused(house):
    one = await house.as_user()
    token = house.tokens.issue(one.user_id, one.user_id, house.now())
    assert (await asked(house, authorization=f"Bearer {token}")).status == 401


async def test_when_a_key_was_used_is_kept_to_the_minute(house):
    creator = await house.as_user()
    key = await house.with_key(creator, "videos:read")
    touches = []
    touch = house.storage.api_keys.touch

    class Counting:
        def __getattr__(self, name):
            return getattr(house.storage.api_keys, name)

        async def touch(self, key_id, now):
            touches.append(now)
            await touch(key_id, now)

    object.__setattr__(house.identification, "api_keys", Counting())
    for _ in range(3):
        await key.ask("GET", "/api/v1/videos")
    assert touches == [house.now()]
    house.later(TOUCH_SECONDS)
    await key.ask("GET", "/api/v1/videos")
    assert len(touches) == 2
    (kept,) = await house.storage.api_keys.page(creator.user_id, None, 9)
    assert kept.last_used_at == house.now()


async def test_the_use_of_a_key_is_written_down_once_an_hour_for_each_network(house):
    key = await house.with_key(await house.as_user(), "videos:read")
    for peer in (FAR, FAR, "203.0.113.10", "2001:db8::1", "2001:db8::2"):
        await key.ask("GET", "/api/v1/videos", peer=peer, headers={"X-Request-Id": "r-9"})
    used = await house.storage.audit.page(actor_id=None, target=None, before=None, limit=9)
    assert sorted((entry.action, entry.address, entry.request_id) for entry in used) == [
        ("key.used", "2001:db8::1", "r-9"),
        ("key.used", "203.0.113.10", "r-9"),
        ("key.used", FAR, "r-9"),
    ]
    house.later(TELL_SECONDS)
    await key.ask("GET", "/api/v1/videos", peer=FAR)
    assert len(await house.trail()) == 4


async def test_a_request_with_a_key_is_answered_though_its_use_cannot_be_kept(house):
    key = await house.with_key(await house.as_user(), "videos:read")

    class Down:
        def __getattr__(self, name):
            return getattr(house.storage.api_keys, name)

        async def touch(self, key_id, now):
            raise StorageUnavailableError("gone")

    object.__setattr__(house.identification, "api_keys", Down())
    assert (await key.ask("GET", "/api/v1/videos")).status == 200


async def test_without_a_database_who_asks_is_not_known_and_that_is_503(house):
    person = await house.as_user()

    class Down:
        async def find_standing(self, *_):
            raise StorageUnavailableError("gone")

    object.__setattr__(house.identification, "sessions", Down())
    assert (await person.ask("GET", "/api/v1/videos")).status == 503
    assert (await house.nobody.ask("GET", "/api/v1/videos")).status == 200


async def test_behind_a_proxy_the_clients_address_is_counted_and_written_down(new_house):
    house = new_house()
    house.config = replace(house.config, behind_proxy=True)
    house.build()
    forwarded = {"X-Forwarded-For": "10.9.9.9, 203.0.113.77"}
    body = {"email": "nobody@example.org", "password": "wrong horse"}
    told = await house.send("POST", "/api/v1/auth/login", body, headers=forwarded, peer="10.0.0.1")
    assert told.status == 401
    assert ("sign_in", "address:203.0.113.77") in house.limits.spent
    (entry,) = await house.storage.audit.page(actor_id=None, target=None, before=None, limit=9)
    assert entry.address == "203.0.113.77"


def test_a_minted_secret_is_long_random_and_known_by_its_prefix():
    keys = {mint(API_KEY).secret for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {46}
    one = mint(API_KEY)
    assert one.secret.startswith(one.shown)
    assert len(one.shown) == 11
    assert find_hash(one.secret, API_KEY) == one.secret_hash == hash_of(one.secret)
    assert find_hash(one.secret, REFRESH_TOKEN) is None
    assert find_hash(mint(REFRESH_TOKEN).secret, API_KEY) is None
