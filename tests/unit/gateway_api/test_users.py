"""What an administrator decides, and the audit trail."""

import pytest

from storage.records import LOCAL_USER_ID

USERS, AUDIT = "/api/v1/users", "/api/v1/admin/audit"
UNKNOWN = "01990000-0000-7000-8000-00000000ffff"


@pytest.fixture
async def admin(house):
    return await house.as_user("admin")


def role_of(user_id):
    return f"{USERS}/{user_id}/role"


async def test_a_role_is_given_and_written_down_with_what_it_was(house, admin):
    creator = await house.as_user()
    told = await admin.ask("PUT", role_of(creator.user_id), {"role": "moderator"})
    assert (told.status, told.json["id"], told.json["role"]) == (200, str(creator.user_id), "moderator")
    (entry,) = await house.storage.audit.page(actor_id=admin.user_id, target=None, before=None, limit=9)
    assert (entry.action, entry.target) == ("role.changed", f"user:{creator.user_id}")
    assert entry.details == {"from": "creator", "to": "moderator"}
    again = await admin.ask("PUT", role_of(creator.user_id), {"role": "moderator"})
    assert (again.status, again.json) == (200, told.json)
    assert len(await house.trail()) == 1


async def test_nobody_changes_their_own_role(house, admin):
    told = await admin.ask("PUT", role_of(admin.user_id), {"role": "viewer"})
    assert (told.status, told.json["code"]) == (409, "conflict")
    assert (await admin.ask("GET", USERS)).status == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"role": "owner"}, "/role"),
        ({}, "/role"),
        ({"role": None}, "/role"),
        ({"role": "admin", "name": "x"}, "/name"),
    ],
)
async def test_a_role_that_is_none_is_named(admin, body, pointer):
    told = await admin.ask("PUT", role_of(LOCAL_USER_ID), body)
    assert (told.status, told.pointers) == (422, [pointer])


async def test_an_account_that_is_not_there_is_404(house, admin):
    assert (await admin.ask("PUT", role_of(UNKNOWN), {"role": "viewer"})).status == 404
    assert (await admin.ask("PUT", role_of("me"), {"role": "viewer"})).status == 404
    creator = await house.as_user()
    await creator.ask("DELETE", "/api/v1/me")
    assert (await admin.ask("PUT", role_of(creator.user_id), {"role": "viewer"})).status == 404


async def test_accounts_are_paged_oldest_first(house, admin):
    for number in range(4):
        house.later(1)
        await house.as_user("viewer", f"viewer-{number}")
    found, cursor = [], ""
    while cursor is not None:
        page = (await admin.ask("GET", f"{USERS}?limit=2{f'&cursor={cursor}' if cursor else ''}")).json
        found += [user["name"] for user in page["data"]]
        cursor = page["next_cursor"]
    assert found == ["", "admin", "viewer-0", "viewer-1", "viewer-2", "viewer-3"]
    for query in ("limit=101", "cursor=x", "colour=red"):
        assert (await admin.ask("GET", f"{USERS}?{query}")).status == 400


async def test_the_audit_trail_is_paged_newest_first_and_filtered(house, admin):
    creator = await house.as_user()
    for role in ("viewer", "creator", "moderator"):
        house.later(1)
        await admin.ask("PUT", role_of(creator.user_id), {"role": role}, peer="203.0.113.9")
    first = (await admin.ask("GET", f"{AUDIT}?limit=2")).json
    rest = (await admin.ask("GET", f"{AUDIT}?limit=2&cursor={first['next_cursor']}")).json
    assert [line["details"]["to"] for line in first["data"] + rest["data"]] == [
        "moderator",
        "creator",
        "viewer",
    ]
    assert rest["next_cursor"] is None
    line = first["data"][0]
    assert set(line) == {"id", "at", "actor_id", "action", "target", "address", "request_id", "details"}
    assert (line["address"], line["actor_id"]) == ("203.0.113.9", str(admin.user_id))
    assert line["request_id"]
    by_target = await admin.ask("GET", f"{AUDIT}?target=user:{creator.user_id}&actor_id={admin.user_id}")
    assert len(by_target.json["data"]) == 3
    assert (await admin.ask("GET", f"{AUDIT}?actor_id={creator.user_id}")).json["data"] == []
    for query in ("limit=0", "cursor=x", "actor_id=x", "target=" + "x" * 201, "colour=red"):
        assert (await admin.ask("GET", f"{AUDIT}?{query}")).status == 400


async def test_a_key_for_operations_reads_the_trail_and_gives_no_roles(house, admin):
    key = await house.with_key(admin, "operations")
    assert (await key.ask("GET", AUDIT)).status == 200
    assert (await key.ask("GET", USERS)).status == 403
    assert (await key.ask("PUT", role_of(LOCAL_USER_ID), {"role": "admin"})).status == 403
