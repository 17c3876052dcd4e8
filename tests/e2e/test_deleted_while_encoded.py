"""Whoever deletes a video gets their processor back, too."""

import asyncio
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.e2e.conftest import Stack, upload
from tests.media_clips import Clip

SLOWEST = {"TRUTHTOK_CODECS": "hevc", "TRUTHTOK_ENCODE_PRESET": "veryslow"}
SOON_SECONDS = 8.0
"""The video is looked for every two seconds; the rest is for a crowded machine."""


def encoding(stack: Stack) -> list[psutil.Process]:
    """The children in which pictures are encoded: the forkserver's, which is a child of the encoder."""
    try:
        servers = psutil.Process(stack.pids()["encoder"]).children()
        return [child for server in servers for child in server.children()]
    except psutil.NoSuchProcess:
        return []


@pytest.mark.timeout(180)
async def test_encoding_ends_soon_after_its_video_is_deleted_and_leaves_no_object(
    own_stack: Stack, tmp_path: Path
) -> None:
    own_stack.environment |= SLOWEST
    own_stack.start()
    clip = Clip(size=(1920, 1080), frames=90, audio_codec=None).write(tmp_path / "clip.mp4")
    async with httpx2.AsyncClient(timeout=20.0) as http:
        client = own_stack.client(http)
        video_id = await upload(client, clip)
        async with asyncio.timeout(60):
            while not encoding(own_stack):
                await asyncio.sleep(0.1)
        url = f"{own_stack.api}/api/v1/videos/{video_id}"
        assert (await http.delete(url, headers=client.credentials)).status_code == 204
    async with asyncio.timeout(SOON_SECONDS):
        while encoding(own_stack):
            await asyncio.sleep(0.1)
    below = own_stack.data / "objects" / "videos" / video_id
    async with asyncio.timeout(20):
        while [path for path in below.rglob("*") if path.is_file()]:
            await asyncio.sleep(0.1)
