"""The same journey with every object encrypted: what lies on the disk is of no use to who takes the disk."""

from pathlib import Path
from typing import Any

import httpx2

from storage.sealed_chunks import MAGIC
from tests.e2e.conftest import DEMO, Stack, ended, upload


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
