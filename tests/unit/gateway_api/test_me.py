"""The caller's own account: read, changed, closed; and everywhere it is signed in."""

from uuid import UUID

import pytest

from storage.memory.people import LOCAL_USER_ID
from subjects.account import AccountClosed
from subjects.codec import open_message

ADA = {"email": "ada@example.org", "password": "correct horse", "name": "Ada"}
ME = "/api/v1/me"
SESSIONS = "/api/v1/me/sessions"


class Ada:
    """Somebody who registered, with their tokens."""

    def __init__(self, house, told):
        self.house, self.told = house, told

    @property
    def target(self):
        return f"user:{self.told['user']['id']}"

    async def ask(self, method, path, body=None, **more):
        headers = {"Authorization": f"Bearer {self.told['access_token']}"}
        return await self.house.nobody.ask(method, path, body, headers=headers, **more)

    async def again(self, **changes):
        """Sign in once more."""
        body = {"email": ADA["email"], "password": ADA["password"]} | changes
        return await self.house.nobody.ask("POST", "/api/v1/auth/login", body)


@pytest.fixture
async def ada(house):
    return Ada(house, (await house.nobody.ask("POST", "/api/v1/auth/register", ADA)).json)


async def test_an_account_is_told_to_its_owner_with_a_tag(ada):
    told = await ada.ask("GET", ME)
    assert told.json == ada.told["user"]
    assert told.headers["ETag"]
    assert "private" in told.headers["Cache-Control"]


async def test_a_name_changes_without_a_password(house, ada):
    told = await ada.ask("PATCH", ME, {"name": "  Ada L. "})
    assert (told.status, told.json["name"], told.json["email"]) == (200, "Ada L.", ADA["email"])
    assert ("account.changed", ada.target) in await house.trail()


async def test_an_empty_edit_changes_nothing_and_is_not_written_down(house, ada):
    before = await house.trail()
    assert (await ada.ask("PATCH", ME, {})).json == ada.told["user"]
    assert await house.trail() == before


async def test_email_and_password_change_with_the_current_password(house, ada):
    change = {
        "email": "countess@example.org",
        "password": "battery staple",
        "current_password": "correct horse",
    }
    told = await ada.ask("PATCH", ME, change)
    assert (told.status, told.json["email"]) == (200, "countess@example.org")
    assert (await ada.again()).status == 401
    changed = {"email": "countess@example.org", "password": "battery staple"}
    assert (await ada.again(**changed)).status == 200
    written = await house.storage.audit.page(actor_id=None, target=ada.target, before=None, limit=20)
    fields = {entry.action: entry.details.get("fields") for entry in written}
    assert fields["account.changed"] == ["email"]
    assert "password.changed" in fields
    assert "countess" not in str(written)


async def test_a_new_password_ends_the_other_sessions_and_not_this_one(ada):
    other = Ada(ada.house, (await ada.again()).json)
    change = {"password": "battery staple", "current_password": "correct horse"}
    assert (await ada.ask("PATCH", ME, change)).status == 200
    assert (await ada.ask("GET", ME)).status == 200
    assert (await other.ask("GET", ME)).status == 401
    refresh = {"refresh_token": other.told["refresh_token"]}
    assert (await ada.house.nobody.ask("POST", "/api/v1/auth/refresh", refresh)).status == 401


@pytest.mark.parametrize("change", [{"email": "eve@example.org"}, {"password": "battery staple"}])
async def test_a_stolen_token_alone_changes_neither_email_nor_password(house, ada, change):
    told = await ada.ask("PATCH", ME, change)
    assert (told.status, told.pointers) == (422, ["/current_password"])
    told = await ada.ask("PATCH", ME, change | {"current_password": "wrong horse"})
    assert (told.status, told.json["code"], told.pointers) == (403, "forbidden", ["/current_password"])
    assert ("session.refused", ada.target) in await house.trail()
    assert (await ada.again()).status == 200
    house.limits.empty.add("sign_in_pair")
    assert (await ada.ask("PATCH", ME, change | {"current_password": "correct horse"})).status == 429


async def test_a_new_password_of_nothing_but_space_is_named(ada):
    change = {"password": " " * 8, "current_password": "correct horse"}
    told = await ada.ask("PATCH", ME, change)
    assert (told.status, told.pointers) == (422, ["/password"])
    assert (await ada.again()).status == 200


async def test_the_right_password_gives_back_what_it_took_from_the_limit(house, ada):
    before = list(house.limits.spent)
    change = {"email": "countess@example.org", "current_password": "correct horse"}
    assert (await ada.ask("PATCH", ME, change)).status == 200
    spent = {bucket for bucket, _ in house.limits.spent[len(before) :]}
    assert spent.isdisjoint({"sign_in_pair", "sign_in_account"})


async def test_asking_for_emails_is_as_limited_as_registering_them(house, ada):
    house.limits.empty.add("register")
    change = {"email": "eve@example.org", "current_password": "correct horse"}
    assert (await ada.ask("PATCH", ME, change)).status == 429
    assert (await ada.ask("GET", ME)).json["email"] == ADA["email"]
    assert (await ada.ask("PATCH", ME, {"name": "Ada L."})).status == 200


async def test_an_email_of_another_is_409_and_ones_own_is_no_change(house, ada):
    await house.nobody.ask("POST", "/api/v1/auth/register", ADA | {"email": "eve@example.org"})
    change = {"email": "EVE@example.org", "current_password": "correct horse"}
    told = await ada.ask("PATCH", ME, change)
    assert (told.status, told.json["code"]) == (409, "email_taken")
    assert (await ada.ask("PATCH", ME, change | {"email": "ADA@example.org"})).json[
        "email"
    ] == "ADA@example.org"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"role": "admin"}, "/role"),
        ({"id": str(LOCAL_USER_ID)}, "/id"),
        ({"name": " "}, "/name"),
        ({"name": None}, "/name"),
        ({"email": "ada", "current_password": "correct horse"}, "/email"),
        ({"password": "short", "current_password": "correct horse"}, "/password"),
    ],
)
async def test_a_bad_change_is_named_and_changes_nothing(ada, change, pointer):
    told = await ada.ask("PATCH", ME, change)
    assert (told.status, told.pointers) == (422, [pointer])
    assert (await ada.ask("GET", ME)).json == ada.told["user"]


async def test_a_closed_account_is_gone_at_once_and_its_closing_is_promised(house, ada):
    other, key = await ada.again(), await house.with_key(await house.sign_in(UUID(ada.told["user"]["id"])))
    assert (await ada.ask("DELETE", ME)).status == 204
    for headers in ({"Authorization": f"Bearer {other.json['access_token']}"}, key.headers):
        assert (await house.nobody.ask("GET", "/api/v1/videos", headers=headers)).status == 401
    assert (await ada.ask("GET", ME)).status == 401
    assert (await ada.again()).status == 401
    (line,) = await house.storage.outbox.pending(10)
    said = open_message(line.subject, line.headers, line.body)
    assert said == AccountClosed(user_id=UUID(ada.told["user"]["id"]))
    assert line.headers["traceparent"]
    assert house.kicks == ["kick"]
    assert ("account.closed", ada.target) in await house.trail()


async def test_the_email_of_a_closed_account_is_free_again(house, ada):
    await ada.ask("DELETE", ME)
    again = await house.nobody.ask("POST", "/api/v1/auth/register", ADA)
    assert again.status == 201
    assert again.json["user"]["id"] != ada.told["user"]["id"]


async def test_the_local_account_stays_as_it_is(house):
    local = await house.sign_in(LOCAL_USER_ID)
    assert (await local.ask("GET", ME)).json["email"] == ""
    for told in (
        await local.ask("DELETE", ME),
        await local.ask("PATCH", ME, {"name": "Mine"}),
        await local.ask("PATCH", ME, {"password": "battery staple", "current_password": ""}),
    ):
        assert (told.status, told.json["code"]) == (409, "conflict")


async def test_sessions_are_listed_with_the_current_one_marked(house, ada):
    house.later(60)
    await ada.again()
    await house.as_user("creator", "somebody else")
    page = (await ada.ask("GET", SESSIONS)).json
    told = page["data"]
    assert page["next_cursor"] is None
    assert [one["current"] for one in told] == [False, True]
    assert set(told[0]) == {"id", "created_at", "expires_at", "current"}


async def test_no_session_hides_behind_others_that_are_over(house, ada):
    """Whoever has the password and does not want to be seen signs in and out, again and again."""
    for _ in range(120):
        gone = (await ada.again()).json["refresh_token"]
        await house.nobody.ask("POST", "/api/v1/auth/logout", {"refresh_token": gone})
        house.later(0.001)
    told = (await ada.ask("GET", SESSIONS)).json
    assert [one["current"] for one in told["data"]] == [True]


async def test_every_session_is_on_some_page(house, ada):
    for _ in range(4):
        house.later(60)
        await ada.again()
    pages, cursor = [], ""
    while cursor is not None:
        told = (await ada.ask("GET", f"{SESSIONS}?limit=2" + (f"&cursor={cursor}" if cursor else ""))).json
        pages.append([one["created_at"] for one in told["data"]])
        cursor = told["next_cursor"]
    assert [len(page) for page in pages] == [2, 2, 1]
    shown = [moment for page in pages for moment in page]
    assert shown == sorted(set(shown), reverse=True)


async def test_signing_out_everywhere_ends_every_session(house, ada):
    other = Ada(house, (await ada.again()).json)
    assert (await ada.ask("DELETE", SESSIONS)).status == 204
    assert [(await one.ask("GET", ME)).status for one in (ada, other)] == [401, 401]
    assert ("session.closed", ada.target) in await house.trail()
    again = Ada(house, (await ada.again()).json)
    assert len((await again.ask("GET", SESSIONS)).json["data"]) == 1


async def test_a_role_counts_at_once_where_it_was_given(house, ada):
    admin = await house.as_user("admin")
    path = f"/api/v1/users/{ada.told['user']['id']}/role"
    assert (await ada.ask("GET", "/api/v1/users")).status == 403
    assert (await admin.ask("PUT", path, {"role": "admin"})).status == 200
    assert (await ada.ask("GET", "/api/v1/users")).status == 200
    assert (await admin.ask("PUT", path, {"role": "viewer"})).json["role"] == "viewer"
    assert (await ada.ask("GET", "/api/v1/users")).status == 403
