"""The shipped cache for media, a real nginx, in front of a stack: what it keeps, and from whom."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import pytest

from deploy.client import Client
from tests.e2e.conftest import DEMO, ROOT, Stack, ended, free_port, upload
from tests.e2e.nginx_process import running_nginx

SHIPPED = ROOT / "deploy" / "nginx" / "edge.conf"
VIEWERS = 30


@dataclass(frozen=True)
class Edge:
    """Where the cache listens."""

    port: int

    def of(self, url: str) -> str:
        """Return a URL of the origin as viewers are given it."""
        return urlsplit(url)._replace(netloc=f"127.0.0.1:{self.port}").geturl()


@pytest.fixture(scope="module")
def edge(nginx: str, stack: Stack) -> Iterator[Edge]:
    port = free_port()

    def for_this_place(directory: str) -> str:
        text = SHIPPED.read_text()
        for there, here in {
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "server 127.0.0.1:80;": f"server 127.0.0.1:{stack.media_port};",
            "/var/cache/nginx/truthtok": f"{directory}/cache",
            "/var/log/nginx/": f"{directory}/",
        }.items():
            assert there in text, f"the shipped configuration says no longer {there}"
            text = text.replace(there, here)
        return text

    with running_nginx(nginx, for_this_place):
        yield Edge(port)


async def cached(http: httpx2.AsyncClient, url: str, **headers: str) -> tuple[int, str]:
    """Return the status and what the cache says of a GET, once it listens."""
    async with asyncio.timeout(10):
        while True:
            try:
                answer = await http.get(url, headers=headers)
            except httpx2.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return answer.status_code, answer.headers.get("x-cache", "-")


async def test_the_edge_asks_once_and_only_for_whoever_has_a_signed_url(
    edge: Edge, client: Client, http: httpx2.AsyncClient
) -> None:
    video_id = await upload(client, DEMO)
    await ended(client, video_id)
    playback = await client.playback(video_id)
    master = edge.of(playback["hls"])
    assert await cached(http, master) == (200, "MISS")
    assert await cached(http, master) == (200, "HIT")

    name = next(line for line in (await http.get(master)).text.splitlines() if line and line[0] != "#")
    playlist = str(httpx2.URL(master).join(name))
    segment = next(line for line in (await http.get(playlist)).text.splitlines() if line and line[0] != "#")
    address = str(httpx2.URL(playlist).join(segment))
    told = Counter(await asyncio.gather(*(cached(http, address) for _ in range(VIEWERS))))
    assert told == {(200, "MISS"): 1, (200, "HIT"): VIEWERS - 1}

    forged = address[:-1] + ("A" if address[-1] != "A" else "B")
    assert await cached(http, forged) == (403, "MISS")
    assert await cached(http, address.partition("?")[0]) == (403, "MISS")
    assert await cached(http, forged) == (403, "MISS"), "a refusal is not kept"

    assert await cached(http, address, Range="bytes=0-99") == (206, "HIT")
    assert await cached(http, edge.of(playback["original"])) == (200, "-"), "the original goes by"
