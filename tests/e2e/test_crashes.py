"""Kill -9 anything at any moment: what was acknowledged ends ready, and nothing is done twice in effect."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from deploy.client import Client
from tests.e2e.conftest import DEMO, Stack, ended, new_stack, upload

VICTIMS = (
    *("uploader", "prober", "thumbnailer", "finisher", "undertaker"),
    *("api", "media", "nats", "postgres", "redis"),
)
UPLOADS = 10
KILLS = 3
ONCE = {
    "upload.completed": 1,
    "video.uploaded": 1,
    "video.probed": 1,
    "video.thumbnailed": 1,
    "video.ready": 1,
}
SETTLE_SECONDS = 90.0


@pytest.fixture(scope="module")
def mortal(server_binaries: None) -> Iterator[Stack]:
    """A stack whose processes are killed and come back; shared, since that is what it is for."""
    for one in new_stack():
        one.start()
        yield one


async def kill_again_and_again(stack: Stack, victim: str, chance: random.Random) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.05, 0.8))
        with suppress(KeyError, ProcessLookupError):  # it is dead already and not back yet
            stack.kill(victim)


async def said_of(client: Client, video_id: str) -> Counter[str]:
    """Count the facts in the stream about one video."""
    counted: Counter[str] = Counter()
    async with asyncio.timeout(30):
        async for event in client._stream(video_id, "0"):
            if event.id:
                counted[event.name] += 1
            if event.name == "video.ready":
                return counted
    return counted


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", VICTIMS)
async def test_ten_uploads_survive_the_death_of(victim: str, mortal: Stack, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    clips = []
    for number in range(UPLOADS):
        clips.append(tmp_path / f"clip-{number}.mp4")
        clips[-1].write_bytes(DEMO.read_bytes() + b"\0\0\0\x0cfree" + number.to_bytes(4, "big"))
    async with httpx2.AsyncClient(timeout=20.0) as http:
        client = Client(mortal.api, http)
        async with asyncio.TaskGroup() as group:
            uploading = [group.create_task(upload(client, clip)) for clip in clips]
            group.create_task(kill_again_and_again(mortal, victim, chance))
        videos = [await ended(client, task.result(), SETTLE_SECONDS) for task in uploading]
        assert [video["status"] for video in videos] == ["ready"] * UPLOADS, videos
        facts = [await said_of(client, video["id"]) for video in videos]
        assert [
            {name: count for name, count in fact.items() if name != "stage.progressed"} for fact in facts
        ] == [ONCE] * UPLOADS


@pytest.mark.timeout(120)
async def test_an_interrupted_upload_goes_on_where_it_broke_off(mortal: Stack, tmp_path: Path) -> None:
    clip = tmp_path / "large.mp4"
    clip.write_bytes(
        DEMO.read_bytes() + (64 * 1024**2).to_bytes(4, "big") + b"free" + bytes(64 * 1024**2 - 8)
    )
    offsets: list[int] = []
    killed = asyncio.Event()

    def on_offset(offset: int) -> None:
        offsets.append(offset)
        if offset > 24 * 1024**2 and not killed.is_set():
            killed.set()
            mortal.kill("media")

    async with httpx2.AsyncClient(timeout=20.0) as http:
        client = Client(mortal.api, http)
        video_id, url = await client.create(clip, "Large", None)
        await client.upload(url, clip, on_offset)
        video = await ended(client, video_id, SETTLE_SECONDS)
    assert killed.is_set()
    resumed_at = next(later for earlier, later in pairwise(offsets) if later < earlier)
    assert resumed_at > 0, "the upload began anew"
    assert (video["status"], video["metadata"]["size"]) == ("ready", clip.stat().st_size)
