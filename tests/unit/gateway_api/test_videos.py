from uuid import UUID

import msgspec
import pytest

from storage.keys import package_folder
from storage.rendition_records import Package
from subjects.codec import open_message
from subjects.video import VideoDeleted

UNKNOWN = "/api/v1/videos/01990000-0000-7000-8000-00000000ffff"


async def test_an_announced_video_waits_for_its_upload(house, video_intent):
    told = await house.ask(
        "POST",
        "/api/v1/videos",
        video_intent(
            title="  Rain  ",
            description="Drops",
            location={"lat": 48.85, "lng": 2.35},
            recorded_at="2026-04-30T10:00:00+02:00",
            visibility="unlisted",
            upload={
                "filename": "../../etc/rain.mp4",
                "sha256": "AB" * 32,
                "content_type": "Video/MP4; codecs=x",
            },
        ),
    )
    video, upload = told.json["video"], told.json["upload"]
    assert told.status == 201
    assert told.headers["Location"] == f"/api/v1/videos/{video['id']}"
    assert UUID(video["id"]).version == 7
    assert (video["title"], video["status"], video["visibility"]) == ("Rain", "waiting", "unlisted")
    assert video["location"] == {"lat": 48.85, "lng": 2.35, "source": "user"}
    assert len(video["h3_cell"]) == 15
    assert video["recorded_at"] == "2026-04-30T08:00:00Z"
    assert upload["protocol"] == "tus"
    assert upload["url"].startswith("http://media.test/uploads/")
    assert upload["expires_at"] == "2026-05-02T12:00:00Z"
    (kept,) = house.storage.videos.state.uploads.values()
    assert (kept.filename, kept.sha256, kept.content_type) == ("rain.mp4", "ab" * 32, "video/mp4")
    assert (kept.length_bytes, kept.video_id) == (1000, UUID(video["id"]))


async def test_a_representation_has_every_field_of_the_interface(house):
    video = await house.announce()
    assert set(video) >= {
        "id", "user_id", "title", "description", "ai_description", "ai_source", "status", "rejection",
        "visibility", "location", "h3_cell", "recorded_at", "created_at", "updated_at", "metadata", "tags",
        "cluster_id", "stages",
    }  # fmt: skip
    assert set(video["stages"][0]) == {"name", "state", "attempt", "progress", "renditions", "error"}
    assert [stage["name"] for stage in video["stages"]][:2] == ["uploader", "prober"]
    assert (video["tags"], video["cluster_id"], video["ai_source"]) == ([], None, None)


@pytest.mark.parametrize("name", ["..", "/", "a/", "\\", "  "])
async def test_a_file_name_without_a_name_is_none(house, name):
    await house.announce(upload={"filename": name})
    (kept,) = house.storage.videos.state.uploads.values()
    assert kept.filename is None


async def test_a_tag_makes_an_unchanged_video_304(house):
    video = await house.announce()
    path = f"/api/v1/videos/{video['id']}"
    first = await house.ask("GET", path)
    tag = first.headers["ETag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await house.ask("GET", path, headers={"If-None-Match": given})
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    await house.ask("PATCH", path, {"title": "Sun"})
    changed = await house.ask("GET", path, headers={"If-None-Match": tag})
    assert changed.status == 200
    assert changed.headers["ETag"] != tag


async def test_an_edit_changes_what_it_names_and_null_clears(house):
    video = await house.announce(description="Drops", location={"lat": 1, "lng": 2})
    path = f"/api/v1/videos/{video['id']}"
    told = await house.ask("PATCH", path, {"title": " Sun ", "description": None, "location": None})
    assert told.status == 200
    assert (told.json["title"], told.json["description"], told.json["location"]) == ("Sun", None, None)
    assert (await house.ask("PATCH", path, {})).json["title"] == "Sun"


@pytest.mark.parametrize(
    ("edit", "pointer"),
    [({"title": None}, "/title"), ({"title": " "}, "/title"), ({"status": "ready"}, "/status"),
     ({"visibility": None}, "/visibility"), ({"location": {"lat": 1}}, "/location/lng"),
     ({"upload": {}}, "/upload"), ({"description": "\x00"}, "/description")],
)  # fmt: skip
async def test_a_bad_edit_is_named_and_changes_nothing(house, edit, pointer):
    video = await house.announce()
    told = await house.ask("PATCH", f"/api/v1/videos/{video['id']}", edit)
    assert (told.status, told.pointers) == (422, [pointer])


async def test_a_deleted_video_is_gone_and_its_deletion_is_promised(house):
    video = await house.announce()
    path = f"/api/v1/videos/{video['id']}"
    assert (await house.ask("DELETE", path)).status == 204
    assert (await house.ask("DELETE", path)).status == 404
    assert (await house.ask("GET", path)).status == 404
    (line,) = await house.storage.outbox.pending(10)
    assert open_message(line.subject, line.headers, line.body) == VideoDeleted(video_id=UUID(video["id"]))
    assert line.headers["traceparent"]
    assert house.kicks == ["kick"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_video_that_is_not_there_is_404(house, method):
    body = {} if method == "PATCH" else None
    assert (await house.ask(method, UNKNOWN, body)).status == 404


@pytest.mark.parametrize("tail", ["", "/playback", "/events"])
async def test_a_private_video_of_another_is_404(house, tail):
    video = await house.announce()
    house.owned_by_another(video["id"], visibility="private")
    assert (await house.ask("GET", f"/api/v1/videos/{video['id']}{tail}")).status == 404
    assert (await house.ask("DELETE", f"/api/v1/videos/{video['id']}")).status == 404


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_public_video_of_another_may_be_seen_and_not_changed(house, method):
    video = await house.announce()
    house.owned_by_another(video["id"])
    assert (await house.ask("GET", f"/api/v1/videos/{video['id']}")).status == 200
    told = await house.ask(method, f"/api/v1/videos/{video['id']}", {} if method == "PATCH" else None)
    assert (told.status, told.json["code"]) == (403, "forbidden")


async def test_playback_tells_only_what_exists(house):
    video = await house.announce()
    told = (await house.ask("GET", f"/api/v1/videos/{video['id']}/playback")).json
    assert {name for name, value in told.items() if value} == {"expires_at"}
    assert set(told) >= {"hls", "dash", "original", "poster", "storyboard", "storyboard_vtt", "captions"}


async def test_playback_signs_the_newest_playlists(house):
    video = await house.announce()
    video_id = UUID(video["id"])
    for version, manifest in ((1, None), (2, "manifest.mpd")):
        folder = package_folder(video_id, f"{version:016x}")
        package = Package(
            version=version,
            hls_key=f"{folder}/master.m3u8",
            dash_key=manifest and f"{folder}/{manifest}",
        )
        await house.storage.renditions.record_package(video_id, package)
        told = (await house.ask("GET", f"/api/v1/videos/{video_id}/playback")).json
        stem = f"http://media.test/media/{video_id}/cmaf/{version:016x}"
        assert told["hls"].startswith(f"{stem}/master.m3u8?expires=")
        assert manifest is None or told["dash"].startswith(f"{stem}/{manifest}?expires=")
        assert (told["dash"] is None) == (manifest is None)


async def test_a_video_is_playable_before_it_is_ready(house):
    video = await house.announce()
    await house.storage.renditions.record_playable(UUID(video["id"]))
    assert (await house.ask("GET", f"/api/v1/videos/{video['id']}")).json["status"] == "playable"
    listed = (await house.ask("GET", "/api/v1/videos?status=playable")).json["data"]
    assert [one["id"] for one in listed] == [video["id"]]


async def test_playback_signs_what_exists(house, illustrated):
    video = await house.announce()
    await illustrated(house, UUID(video["id"]))
    told = (await house.ask("GET", f"/api/v1/videos/{video['id']}/playback")).json
    stem = f"http://media.test/media/{video['id']}"
    assert told["original"].startswith(f"{stem}/original.mp4?expires=")
    assert told["poster"].startswith(f"{stem}/poster-720.jpg?")
    assert [poster["width"] for poster in told["posters"]] == [320, 720]
    assert told["storyboard"].startswith(f"{stem}/sheet-0.jpg?")
    assert told["storyboard_vtt"].startswith(f"{stem}/storyboard.vtt?")
    assert told["preview"].startswith(f"{stem}/preview.webp?")
    assert told["expires_at"] > msgspec.to_builtins(house.now())
