"""Kill -9 anything at any moment: what was acknowledged ends ready, and nothing is done twice in effect."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from deploy.client import Client
from tests.e2e.conftest import DEMO, Stack, ended, new_stack, upload

VICTIMS = (
    *("uploader", "prober", "thumbnailer", "transcoder", "encoder", "packager"),
    *("finisher", "undertaker", "eraser", "expirer"),
    *("api", "media", "nats", "postgres", "redis"),
)
UPLOADS = 10
KILLS = 3
ONCE = {
    "upload.completed": 1,
    "video.uploaded": 1,
    "video.probed": 1,
    "video.thumbnailed": 1,
    "video.playable": 1,
    "video.transcoded": 1,
    "video.ready": 1,
}
SETTLE_SECONDS = 90.0
FROZEN_SECONDS = 12.0


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
            if event.id and event.name != "stage.progressed":
                counted[event.name] += 1
            if event.name == "video.ready":
                return counted
    return counted


async def freeze(stack: Stack, victim: str) -> None:
    """Stop every process of a server for longer than the longest ack wait, then let it go on."""
    leader = psutil.Process(stack.pids()[victim])
    frozen = [leader, *leader.children(recursive=True)]
    for process in frozen:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        await asyncio.sleep(FROZEN_SECONDS)
    finally:
        for process in frozen:
            with suppress(psutil.NoSuchProcess):
                process.resume()


async def ten_uploads_survive(stack: Stack, clips: Path, trouble: Coroutine[Any, Any, None]) -> None:
    """Upload ten clips while there is trouble; all end ready, and every fact was said once."""
    paths = [clips / f"clip-{number}.mp4" for number in range(UPLOADS)]
    for path in paths:
        path.write_bytes(DEMO.read_bytes() + b"\0\0\0\x0cfree" + random.randbytes(4))
    async with httpx2.AsyncClient(timeout=20.0) as http:
        client = stack.client(http)
        async with asyncio.TaskGroup() as group:
            uploading = [group.create_task(upload(client, path)) for path in paths]
            group.create_task(trouble)
        videos = [await ended(client, task.result(), SETTLE_SECONDS) for task in uploading]
        assert [video["status"] for video in videos] == ["ready"] * UPLOADS, videos
        assert [await said_of(client, video["id"]) for video in videos] == [ONCE] * UPLOADS


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", VICTIMS)
async def test_ten_uploads_survive_the_death_of(victim: str, mortal: Stack, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    await ten_uploads_survive(mortal, tmp_path, kill_again_and_again(mortal, victim, random.Random(seed)))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", ["postgres", "nats", "redis"])
async def test_ten_uploads_survive_the_silence_of(victim: str, mortal: Stack, tmp_path: Path) -> None:
    await ten_uploads_survive(mortal, tmp_path, freeze(mortal, victim))


@pytest.mark.timeout(120)
async def test_a_video_deleted_while_it_is_worked_on_leaves_no_object(mortal: Stack, tmp_path: Path) -> None:
    """Whoever dies while they work on it, and whenever: all of them but the eraser write late."""
    chance = random.Random(7)
    async with httpx2.AsyncClient(timeout=20.0) as http:
        client = mortal.client(http)
        writers = ("uploader", "thumbnailer", "transcoder", "encoder", "packager")
        for number, victim in enumerate((*writers, "eraser") * 2):
            clip = tmp_path / f"gone-{number}.mp4"
            clip.write_bytes(DEMO.read_bytes() + b"\0\0\0\x0cfree" + random.randbytes(4))
            video_id = await upload(client, clip)
            await asyncio.sleep(chance.uniform(0.0, 1.2))
            url = f"{mortal.api}/api/v1/videos/{video_id}"
            assert (await http.delete(url, headers=client.credentials)).status_code == 204
            with suppress(KeyError, ProcessLookupError):
                mortal.kill(victim)
            assert (await http.get(url, headers=client.credentials)).status_code == 404
    async with asyncio.timeout(60):
        while left := [path for path in remains(mortal) if path.is_file()]:
            await asyncio.sleep(0.2)
    assert left == []


def remains(stack: Stack) -> list[Path]:
    """Return the objects that belong to no video that is still there."""
    objects = stack.data / "objects"
    known = {one["id"] for one in listed(stack)}
    videos = objects / "videos"
    below = [path for path in videos.glob("*/**/*") if path.relative_to(videos).parts[0] not in known]
    return [*below, *(objects / "staging").glob("*/*")]


def listed(stack: Stack) -> list[dict[str, Any]]:
    """Return every video of the stack."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = httpx2.get(f"{stack.api}/api/v1/videos", params=query).json()
        found += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


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
        client = mortal.client(http)
        video_id, url = await client.create(clip, "Large", None)
        await client.upload(url, clip, on_offset)
        video = await ended(client, video_id, SETTLE_SECONDS)
    assert killed.is_set()
    resumed_at = next(later for earlier, later in pairwise(offsets) if later < earlier)
    assert resumed_at > 0, "the upload began anew"
    assert (video["status"], video["metadata"]["size"]) == ("ready", clip.stat().st_size)
