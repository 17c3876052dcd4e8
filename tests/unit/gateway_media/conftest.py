"""A media plane over the twins, on a real socket of its own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from gateway.config import GatewayConfig
from gateway.media.embedded import listen, serve_plane
from gateway.media.plane import Plane
from gateway.media.routes import MediaPorts
from gateway.media.server import media_routes
from storage.memory.cache import MemoryCache
from storage.memory.objects import MemoryObjects
from storage.memory.storage import MemoryStorage

SEGMENT_BYTES = 1000
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass
class House:
    """What a running media plane stands on."""

    storage: MemoryStorage = field(default_factory=MemoryStorage)
    objects: Any = field(default_factory=MemoryObjects)
    kicks: int = 0
    config: GatewayConfig = field(
        default_factory=lambda: GatewayConfig(
            api_url="http://api", media_url="http://media", signing_key=b"k" * 32, segment_bytes=SEGMENT_BYTES
        )
    )
    troubles: dict[str, str] = field(default_factory=dict)
    port: int = 0
    plane: Plane = field(default_factory=lambda: Plane(()))
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def kick(self) -> None:
        self.kicks += 1

    async def ready(self) -> Mapping[str, str]:
        return self.troubles

    @property
    def ports(self) -> MediaPorts:
        return MediaPorts(
            videos=self.storage.videos,
            uploads=self.storage.uploads,
            objects=self.objects,
            cache=MemoryCache(),
            kick=self.kick,
        )

    def path(self, url: str) -> str:
        parts = urlsplit(url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    async def bytes_of(self, upload: Any) -> bytes:
        return b"".join([await self.objects.get(segment.key) for segment in upload.segments])


@asynccontextmanager
async def running(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve until left, then drain."""
    house.plane = Plane(media_routes(house.config, house.ports, house.ready), house.config.allowed_origins)
    listener = listen("127.0.0.1", 0)
    house.port = listener.getsockname()[1]
    house.stop = asyncio.Event()
    serving = asyncio.create_task(
        serve_plane(house.plane, listener, stop=house.stop, drain_seconds=house.config.drain_seconds)
    )
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{house.port}") as client:
        yield client
    house.stop.set()
    await serving


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(house) as client:
        yield client


async def raw_request(port: int, *parts: bytes, hang_up: bool = False) -> bytes:
    """Send bytes as they are, one write each, and return all that is answered before the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return b"" if hang_up else await reader.read()
    except (ConnectionResetError, BrokenPipeError):
        return b""
    finally:
        writer.close()


def head_of(method: str, path: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> bytes:
    """Return the head of a request that closes its connection."""
    lines = dict(headers).items()
    fields = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"{method} {path} HTTP/1.1\r\nHost: media\r\nConnection: close\r\n{fields}\r\n".encode()


logging.getLogger("truthtok.journal").setLevel(logging.WARNING)
