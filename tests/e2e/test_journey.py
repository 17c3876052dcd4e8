"""One clip from the first byte to ready, over HTTP only."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.client import Client
from tests.e2e.conftest import DEMO, Stack, ended, upload

TERMINAL = {"video.ready", "video.rejected", "video.failed"}


async def test_a_clip_becomes_a_stored_probed_illustrated_record(client: Client) -> None:
    video = await ended(client, await upload(client, DEMO))
    assert video["status"] == "ready"
    assert [(stage["name"], stage["state"]) for stage in video["stages"]] == [
        ("uploader", "done"),
        ("prober", "done"),
        ("thumbnailer", "done"),
        ("transcoder", "done"),
    ]
    metadata = video["metadata"]
    assert (metadata["width"], metadata["height"], metadata["codec"]) == (540, 960, "h264")
    assert metadata["audio"]["codec"] == "aac"
    assert video["location"]["source"] == "container"
    assert video["h3_cell"]


async def test_everything_that_playback_names_can_be_fetched(
    client: Client, http: httpx2.AsyncClient
) -> None:
    video_id = await upload(client, DEMO)
    await ended(client, video_id)
    playback = await client.playback(video_id)
    kinds = {}
    for name in ("original", "poster", "preview", "storyboard", "storyboard_vtt"):
        answer = await http.get(playback[name])
        assert answer.status_code == 200, name
        kinds[name] = answer.headers["content-type"].partition(";")[0]
    assert kinds["original"] == "video/mp4"
    assert kinds["poster"] == "image/jpeg"
    assert kinds["storyboard_vtt"] == "text/vtt"
    assert (await http.get(playback["original"])).content == DEMO.read_bytes()


async def test_the_tiles_of_the_storyboard_can_be_fetched_as_a_player_would(
    client: Client, http: httpx2.AsyncClient
) -> None:
    video_id = await upload(client, DEMO)
    await ended(client, video_id)
    url = (await client.playback(video_id))["storyboard_vtt"]
    text = (await http.get(url)).text
    assert text.startswith("WEBVTT")
    tile = next(line for line in text.splitlines() if "#xywh=" in line)
    assert (await http.get(str(httpx2.URL(url).join(tile)))).status_code == 200


async def test_events_tell_the_journey_in_order_and_a_latecomer_is_told_it_again(client: Client) -> None:
    video_id, url = await client.create(DEMO, "Told", None)

    async def watched() -> list[Any]:
        seen = []
        async for event in client.events(video_id):
            seen.append(event)
            if event.name in TERMINAL:
                return seen
        return seen

    watching = asyncio.create_task(watched())
    await client.upload(url, DEMO, lambda _: None)
    async with asyncio.timeout(60):
        seen = await watching
    facts = [event.name for event in seen if event.name.startswith("video.") and event.id]
    assert facts[:2] == ["video.uploaded", "video.probed"]
    assert sorted(facts[2:-1]) == ["video.playable", "video.thumbnailed", "video.transcoded"]
    assert facts.index("video.playable") < facts.index("video.transcoded")
    assert facts[-1] == "video.ready"
    ids = [int(event.id) for event in seen if event.id]
    assert ids == sorted(set(ids))

    replayed = []
    async with asyncio.timeout(20):
        async for event in client._stream(video_id, str(ids[1])):
            replayed += [event.id] if event.id else []
            if event.name in TERMINAL:
                break
    assert [int(one) for one in replayed] == ids[2:]


async def test_a_deleted_video_leaves_neither_row_nor_object(
    client: Client, http: httpx2.AsyncClient, stack: Stack
) -> None:
    video_id = await upload(client, DEMO)
    await ended(client, video_id)
    playback = await client.playback(video_id)
    url = f"{stack.api}/api/v1/videos/{video_id}"
    assert (await http.delete(url, headers=client.credentials)).status_code == 204
    assert (await http.get(url, headers=client.credentials)).status_code == 404
    async with asyncio.timeout(20):
        while (await http.get(playback["original"])).status_code != 404:
            await asyncio.sleep(0.05)
    below = stack.data / "objects" / "videos" / video_id
    async with asyncio.timeout(20):
        while [path for path in below.rglob("*") if path.is_file()]:
            await asyncio.sleep(0.05)


async def test_the_second_upload_of_the_same_bytes_knows_the_first(client: Client, tmp_path: Path) -> None:
    clip = tmp_path / "twice.mp4"
    clip.write_bytes(DEMO.read_bytes() + b"\0\0\0\x08free")
    first = await ended(client, await upload(client, clip))
    second = await ended(client, await upload(client, clip))
    assert first["duplicate_of"] is None
    assert second["duplicate_of"] == first["id"]
    assert second["status"] == "ready"


async def test_an_upload_that_is_not_what_was_promised_is_rejected(
    client: Client, http: httpx2.AsyncClient, stack: Stack
) -> None:
    data = DEMO.read_bytes()
    intent = {
        "title": "x",
        "upload": {"size_bytes": len(data), "content_type": "video/mp4", "sha256": "0" * 64},
    }
    announced = await http.post(f"{stack.api}/api/v1/videos", json=intent, headers=client.credentials)
    made = announced.json()
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    assert (await http.patch(made["upload"]["url"], content=data, headers=headers)).status_code == 204
    video = await ended(client, made["video"]["id"])
    assert video["rejection"]["code"] == "checksum_mismatch"


@pytest.mark.parametrize(
    ("data", "code"), [(b"<html>hello</html>" * 99, "not_media"), (b"MZ" + bytes(4000), "not_media")]
)
async def test_what_is_no_clip_is_rejected_with_a_code(
    client: Client, tmp_path: Path, data: bytes, code: str
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    video = await ended(client, await upload(client, path))
    assert (video["status"], video["rejection"]["code"]) == ("rejected", code)
