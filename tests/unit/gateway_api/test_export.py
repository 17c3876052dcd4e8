"""Everything that is kept of a person, whole and page by page."""

import json
from uuid import UUID

import pytest

EXPORT = "/api/v1/me/export"


async def exported(person):
    told = await person.ask("GET", EXPORT)
    assert told.status == 200
    assert told.headers["Content-Type"] == "application/json"
    assert "attachment" in told.headers["Content-Disposition"]
    return [part async for part in told.stream]


async def test_an_export_holds_everything_there_is(house, illustrated):
    creator, admin = await house.as_user(), await house.as_user("admin")
    video = await house.announce(visibility="private", upload={"filename": "rain.mp4"})
    await illustrated(house, UUID(video["id"]))
    await house.with_key(creator, "videos:read")
    await admin.ask("PUT", f"/api/v1/users/{creator.user_id}/role", {"role": "moderator"}, peer="203.0.113.9")
    told = json.loads(b"".join(await exported(creator)))
    assert list(told) == ["exported_at", "account", "sessions", "api_keys", "videos", "audit", "complete"]
    assert told["account"]["email"] == "creator@example.org"
    assert told["complete"] is True
    assert [one["id"] for one in told["sessions"]] == [str(creator.session_id)]
    assert [one["scopes"] for one in told["api_keys"]] == [["videos:read"]]
    (mine,) = told["videos"]
    assert set(video) < set(mine)
    assert mine["playback"]["original"].startswith(
        f"http://media.test/media/{video['id']}/original.mp4?expires="
    )
    assert (mine["original"]["size_bytes"], mine["original"]["sha256"]) == (1000, "0" * 64)
    assert (mine["upload"]["filename"], mine["upload"]["length_bytes"]) == ("rain.mp4", 1000)
    by_admin = [line for line in told["audit"] if line["action"] == "role.changed"]
    assert [(line["target"], line["address"]) for line in by_admin] == [(f"user:{creator.user_id}", None)]
    assert [line["action"] for line in told["audit"]].count("account.exported") == 1


async def test_an_export_holds_nothing_of_others(house):
    await house.announce("not theirs")
    other = await house.as_user("creator", "other")
    told = json.loads(b"".join(await exported(other)))
    assert (told["videos"], told["api_keys"]) == ([], [])
    assert [line["action"] for line in told["audit"]] == ["account.exported"]
    assert "creator@example.org" not in json.dumps(told)


@pytest.mark.parametrize("count", [99, 100, 101, 250])
async def test_an_export_is_complete_and_comes_in_parts_however_much_there_is(house, count):
    for number in range(count):
        await house.announce(f"video {number}", visibility=("public", "unlisted", "private")[number % 3])
        house.later(0.001)
    parts = await exported(await house.as_user())
    told = json.loads(b"".join(parts))
    assert [video["title"] for video in told["videos"]] == [f"video {number}" for number in range(count)][
        ::-1
    ]
    largest = max(part.count(b'"playback"') for part in parts)
    assert largest <= 100


async def test_an_export_takes_a_person_who_signed_in(house):
    creator = await house.as_user()
    key = await house.with_key(creator, "account:read", "videos:read", "videos:write")
    assert (await key.ask("GET", EXPORT)).status == 403
    assert ("account.exported", f"user:{creator.user_id}") not in await house.trail()


async def test_exports_are_scarce_and_take_a_seat(new_house):
    house = new_house(streams=1)
    creator = await house.as_user()
    held = await creator.ask("GET", EXPORT)
    assert ("expensive", f"user:{creator.user_id}") in house.limits.spent
    told = await creator.ask("GET", EXPORT)
    assert (told.status, told.json["code"]) == (503, "overloaded")
    await anext(held.stream)
    await held.stream.aclose()
    del held
    assert (await creator.ask("HEAD", EXPORT)).stream is None
    house.limits.empty.add("expensive")
    assert (await creator.ask("GET", EXPORT)).status == 429


async def test_an_export_that_breaks_off_is_no_json(house):
    await house.announce()
    creator = await house.as_user()
    told = await creator.ask("GET", EXPORT)
    begun = await anext(told.stream) + await anext(told.stream)
    await told.stream.aclose()
    with pytest.raises(json.JSONDecodeError):
        json.loads(begun)
