"""Whoever has one signed URL can play what was uploaded; encoders share the work, and may die of it."""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import av
import httpx2
import numpy as np
import psutil
import pytest

from deploy.client import Client
from tests.e2e.adaptive import Reader, joined, pictures, sound_seconds
from tests.e2e.conftest import DEMO, Stack, ended, upload
from tests.media_clips import Clip, Rgb, Size, flat

DEMO_FRAMES, DEMO_SECONDS = 270, 9.0
BITS = 12
LONG_FRAMES = 1500
CHUNKS = 4
"""Of 480 frames, two segments of 2 s of 30 frames a second and so on: 480, 480, 480, 60."""
LONG_SECONDS = 150.0


async def facts_of(client: Client, video_id: str) -> list[str]:
    """Return what was said of a video that is ready, in order."""
    said = []
    async with asyncio.timeout(30):
        async for event in client._stream(video_id, "0"):
            said += [event.name] if event.id else []
            if event.name == "video.ready":
                return said
    return said


async def test_the_demo_can_be_played_before_it_is_ready_and_from_one_url(
    client: Client, http: httpx2.AsyncClient
) -> None:
    video_id = await upload(client, DEMO)
    assert (await ended(client, video_id))["status"] == "ready"
    said = await facts_of(client, video_id)
    assert said.index("video.playable") < said.index("video.transcoded") < said.index("video.ready")

    playback, reader = await client.playback(video_id), Reader(http)
    by_hls, by_dash = await reader.hls(playback["hls"]), await reader.dash(playback["dash"])
    assert by_hls == by_dash, "the same files, whichever way they are found"
    assert {"original", "360p-h264"} < {*by_hls}
    sounds = {name for name in by_hls if name.startswith("audio")}
    assert {name: len(pictures(by_hls[name])) for name in {*by_hls} - sounds} == dict.fromkeys(
        {*by_hls} - sounds, DEMO_FRAMES
    )
    assert [sound_seconds(by_hls[name]) for name in sounds] == [pytest.approx(DEMO_SECONDS, abs=0.2)]


async def test_the_storyboard_is_in_the_newest_playlists_whenever_it_was_made(
    client: Client, http: httpx2.AsyncClient
) -> None:
    video_id = await upload(client, DEMO)
    await ended(client, video_id)
    async with asyncio.timeout(30):
        while b"thumbnail_tile" not in (await Reader(http).fetch((await client.playback(video_id))["dash"])):
            await asyncio.sleep(0.1)
    url = (await client.playback(video_id))["hls"]
    (sheets,) = re.findall(
        r'#EXT-X-IMAGE-STREAM-INF:.*URI="([^"]+)"', (await Reader(http).fetch(url)).decode()
    )
    listed = (await Reader(http).fetch(joined(url, sheets))).decode()
    (sheet,) = [line for line in listed.splitlines() if not line.startswith("#")]
    assert (await Reader(http).fetch(joined(joined(url, sheets), sheet))).startswith(b"\xff\xd8")


async def test_libav_plays_the_master_playlist_over_http(client: Client) -> None:
    video_id = await upload(client, DEMO)
    await ended(client, video_id)
    playback = await client.playback(video_id)

    def played() -> int:
        with av.open(playback["hls"]) as container:
            return sum(1 for _ in container.decode(container.streams.video[0]))

    assert await asyncio.to_thread(played) == DEMO_FRAMES


def numbered(size: Size, index: int) -> Rgb:
    """A picture that shows its number: a bar for each bit, white for one, the lowest bit first."""
    picture, width = flat(size), size[0] // BITS
    for bit in range(BITS):
        picture[:, bit * width : (bit + 1) * width] = 235 if index >> bit & 1 else 20
    return picture


def number_of(frame: av.VideoFrame) -> int:
    luma = frame.to_ndarray(format="gray")
    middle, width = luma[luma.shape[0] // 2], luma.shape[1] // BITS
    bars = [
        np.median(middle[bit * width + width // 4 : (bit + 1) * width - width // 4]) for bit in range(BITS)
    ]
    return sum(1 << bit for bit, light in enumerate(bars) if light > 128)


def long_clip(path: Path) -> Path:
    clip = Clip(size=(960, 540), frames=LONG_FRAMES, codec="mpeg4", paint=numbered, gop=30, audio_codec=None)
    return clip.write(path)


def chunks_done(stack: Stack, *replicas: str) -> dict[str, int]:
    """Return how many orders each replica carried to their end, by its log."""
    counted: Counter[str] = Counter(dict.fromkeys(replicas, 0))
    for name in replicas:
        for line in stack.log(name).splitlines():
            said = json.loads(line) if line.startswith("{") else {}
            counted[name] += said.get("subject") == "work.encoder" and said.get("outcome") == "done"
    return dict(counted)


async def frames_played(client: Client, http: httpx2.AsyncClient, video_id: str) -> dict[str, list[int]]:
    """Return the numbers of the frames that each rendition shows, in order."""
    media = await Reader(http).hls((await client.playback(video_id))["hls"])
    return {name: [number_of(frame) for frame in pictures(data)] for name, data in media.items()}


@pytest.mark.timeout(300)
async def test_encoders_share_chunks_and_one_that_is_killed_loses_no_frame_and_doubles_none(
    own_stack: Stack, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    own_stack.start("--replicas", "encoder=2")
    client = own_stack.client(http)
    clip = await asyncio.to_thread(long_clip, tmp_path / "long.mp4")
    video_id = await upload(client, clip)
    await killed_at_work(own_stack, "encoder")
    video = await ended(client, video_id, LONG_SECONDS)
    assert video["status"] == "ready", video

    played = await frames_played(client, http, video_id)
    assert {*played} == {"540p-h264", "360p-h264", "240p-h264"}
    for frames in played.values():
        assert frames == list(range(LONG_FRAMES))
    done = chunks_done(own_stack, "encoder", "encoder-2")
    assert sum(done.values()) == 2 * CHUNKS, "two passes"
    assert min(done.values()) > 0, done
    said = Counter(await facts_of(client, video_id))
    once = ("video.playable", "video.transcoded", "video.ready")
    assert [said[name] for name in once] == [1, 1, 1]


async def killed_at_work(stack: Stack, name: str) -> None:
    """Kill an actor while a child of its forkserver, which encodes, has been at work for a moment."""
    async with asyncio.timeout(60):
        while not (busy := children_at_work(stack, name)):
            await asyncio.sleep(0.02)
    victim: Any = psutil.Process(stack.pids()[name])
    assert busy
    victim.kill()


def children_at_work(stack: Stack, name: str) -> list[psutil.Process]:
    try:
        below = psutil.Process(stack.pids()[name]).children(recursive=True)
        return [one for one in below if one.cpu_times().user > BUSY_SECONDS and one.num_threads() > 2]
    except (KeyError, psutil.NoSuchProcess):
        return []


BUSY_SECONDS = 0.3
