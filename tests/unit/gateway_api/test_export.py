"""Everything that is kept of a person, whole and page by page."""

import json
from uuid import UUID

import pytest

from storage.records import NewUpload
from subjects.ids import new_id

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
    parts = ["sessions", "api_keys", "videos", "uploads", "upload_days", "audit"]
    assert list(told) == ["exported_at", "account", *parts, "complete"]
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
    (upload,) = told["uploads"]
    assert (upload["filename"], upload["length_bytes"], upload["video_id"]) == ("rain.mp4", 1000, mine["id"])
    assert told["upload_days"] == [{"day": "2026-05-01", "uploads": 1, "size_bytes": 1000}]
    by_admin = [line for line in told["audit"] if line["action"] == "role.changed"]
    assert [(line["target"], line["address"]) for line in by_admin] == [(f"user:{creator.user_id}", None)]
    assert [line["action"] for line in told["audit"]].count("account.exported") == 1


async def test_an_export_holds_nothing_of_others(house):
    await house.announce("not theirs")
    other = await house.as_user("creator", "other")
    told = json.loads(b"".join(await exported(other)))
    for part in ("videos", "api_keys", "uploads", "upload_days"):
        assert told[part] == []
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
    assert sorted(upload["video_id"] for upload in told["uploads"]) == sorted(
        video["id"] for video in told["videos"]
    )
    largest = max(part.count(b'"playback"') for part in parts)
    assert largest <= 100


async def test_an_export_holds_uploads_of_any_origin_and_parts_of_them(house):
    creator = await house.as_user()
    for partial in (False, True):
        house.later(1)
        now = house.now()
        upload = NewUpload(
            id=new_id(now),
            user_id=creator.user_id,
            video_id=None,
            length_bytes=7,
            content_type="video/mp4",
            filename=f"partial {partial}.mp4",
            partial=partial,
            created_at=now,
            expires_at=now,
        )
        await house.storage.uploads.create(upload)
    told = json.loads(b"".join(await exported(creator)))
    assert [(one["filename"], one["partial"], one["video_id"]) for one in told["uploads"]] == [
        ("partial False.mp4", False, None),
        ("partial True.mp4", True, None),
    ]
    assert told["upload_days"] == [{"day": "2026-05-01", "uploads": 2, "size_bytes": 14}]


async def test_an_export_holds_sessions_that_are_over_and_more_than_a_page_of_them(house):
    creator = await house.as_user()
    ended = [(await house.sign_in(creator.user_id)).session_id for _ in range(150)]
    await creator.ask("DELETE", "/api/v1/me/sessions")
    last = await house.sign_in(creator.user_id)
    told = json.loads(b"".join(await exported(last)))
    everyone = [creator.session_id, *ended, last.session_id]
    assert {one["id"] for one in told["sessions"]} == {*map(str, everyone)}


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
