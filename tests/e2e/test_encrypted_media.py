"""The same journey with every object encrypted: what lies on the disk is of no use to who takes the disk."""

import asyncio
from pathlib import Path
from typing import Any

import av
import httpx2

from storage.sealed_chunks import MAGIC
from tests.e2e.conftest import DEMO, Stack, ended, upload

DEMO_FRAMES = 270


def lying_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def test_a_clip_goes_its_way_encrypted(own_stack: Stack, http: httpx2.AsyncClient) -> None:
    own_stack.environment = {"TRUTHTOK_ENCRYPTION": "all"}
    own_stack.start()
    client = own_stack.client(http)
    video_id = await upload(client, DEMO)
    assert (await ended(client, video_id))["status"] == "ready"

    objects = lying_in(own_stack.data / "objects")
    assert len(objects) > 3
    assert {path.read_bytes()[: len(MAGIC)] for path in objects} == {MAGIC}
    playback: dict[str, Any] = await client.playback(video_id)
    fetched = await http.get(playback["original"])
    assert (fetched.status_code, fetched.content) == (200, DEMO.read_bytes())
    assert "#xywh=" in (await http.get(playback["storyboard_vtt"])).text

    (original,) = [path for path in objects if path.name == "original.mp4"]
    stored = bytearray(original.read_bytes())
    stored[-1] ^= 1
    original.write_bytes(stored)
    refused = await http.get(playback["original"])
    assert (refused.status_code, refused.json()["code"]) == (500, "internal")
    assert "SealBrokenError" in own_stack.log("media")


async def test_a_clip_whose_segments_are_encrypted_plays_by_one_signed_url(
    own_stack: Stack, http: httpx2.AsyncClient
) -> None:
    own_stack.environment = {"TRUTHTOK_SEGMENT_ENCRYPTION": "aes-128", "TRUTHTOK_ENCRYPTION": "all"}
    own_stack.start()
    client = own_stack.client(http)
    video_id = await upload(client, DEMO)
    assert (await ended(client, video_id))["status"] == "ready"

    playback: dict[str, Any] = await client.playback(video_id)
    assert playback["dash"] is None
    master = (await http.get(playback["hls"])).text
    assert "360p-h264" in master
    assert "I-FRAME" not in master

    def frames_of(number: int) -> int:
        with av.open(playback["hls"], options={"allowed_extensions": "ALL"}) as container:
            return sum(1 for _ in container.decode(container.streams.video[number]))

    for number in range(master.count("#EXT-X-STREAM-INF")):
        assert await asyncio.to_thread(frames_of, number) == DEMO_FRAMES
    segments = lying_in(own_stack.data / "objects")
    assert all(len(one.parent.name) == 16 for one in segments if one.suffix == ".m4s")
    assert any(one.suffix == ".m4s" for one in segments)
