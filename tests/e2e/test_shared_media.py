"""Every collected clip ends in a definite state within minutes, and no process dies of one."""

import asyncio
import time

import httpx2
import pytest

from tests.e2e.conftest import Stack, ended, upload
from tests.media_outcomes import EXPECTED, FOLDER

AT_ONCE = 3
SECONDS = 600.0


def outcome(video: dict) -> str:
    if video["status"] != "ready":
        return video["rejection"]["code"] if video["rejection"] else video["status"]
    metadata = video["metadata"]
    size = f"{metadata['width']}x{metadata['height']}"
    turn = f"{metadata['rotation']}{'m' * metadata['mirrored']}"
    hdr = f"{metadata['hdr'] or '-'}{'+dv' * metadata['dolby_vision']}"
    audio = metadata["audio"]["codec"] if metadata["audio"] else "-"
    return f"{size} {metadata['format']} {metadata['codec']} {metadata['fps']:.0f} {turn} {hdr} {audio}"


@pytest.mark.timeout(1800)
async def test_each_clip_ends_as_the_table_says(stack: Stack) -> None:
    if not FOLDER.is_dir():
        pytest.skip("the folder of collected clips is not here")
    pids = stack.pids()
    places = asyncio.Semaphore(AT_ONCE)
    async with httpx2.AsyncClient(timeout=30.0) as http:
        client = stack.client(http)

        async def run(name: str) -> str:
            async with places:
                video_id = await upload(client, FOLDER / name, name)
                began = time.monotonic()
                found = outcome(await ended(client, video_id, SECONDS))
                print(f"{name}: {found} after {time.monotonic() - began:.2f} s")
                return found

        found = await asyncio.gather(*map(run, EXPECTED))
    assert dict(zip(EXPECTED, found, strict=True)) == EXPECTED
    assert stack.pids() == pids, "a process died"
