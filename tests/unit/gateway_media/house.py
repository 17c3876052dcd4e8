"""A media plane over the twins, on a real socket of its own."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2

from gateway.caller import Caller
from gateway.config import GatewayConfig
from gateway.limits.leases import make_limits
from gateway.media.embedded import listen, serve_plane
from gateway.media.plane import Plane
from gateway.media.router import Route
from gateway.media.routes import MediaPorts
from gateway.media.server import media_routes
from gateway.policy import permissions_of
from gateway.ports import Limits
from gateway.problems import unauthenticated
from gateway.signing import find_upload_id
from storage.identity_records import Role
from storage.memory.buckets import MemoryBuckets
from storage.memory.cache import MemoryCache
from storage.memory.objects import MemoryObjects
from storage.memory.storage import MemoryStorage
from storage.records import LOCAL_USER_ID, Upload
from storage.sealing import Vault
from storage.segment_keys import SegmentKeys
from subjects.codec import open_message

SEGMENT_BYTES = 1000
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def known(user_id: UUID, role: Role = "creator", scopes: tuple[str, ...] | None = None) -> Caller:
    """Return somebody with an account."""
    return Caller(user_id=user_id, role=role, permissions=permissions_of(role, scopes))


@dataclass
class Doorkeeper:
    """Knows callers by the name they send as their token, and takes everybody else for a creator."""

    names: dict[str, Caller] = field(default_factory=dict)
    unnamed: Caller = field(default_factory=lambda: known(LOCAL_USER_ID))
    closed: set[UUID] = field(default_factory=set)

    async def identify(self, headers: Mapping[str, str], stranger: Caller, request_id: str = "") -> Caller:
        name = headers.get("authorization", "").removeprefix("Bearer ")
        if name and name not in self.names:
            raise unauthenticated("Nobody goes by that name.", "invalid_token")
        return self.names[name] if name else self.unnamed

    def forget(self, user_id: UUID) -> None:
        """Know nobody any more whose account was closed behind our back."""
        self.names = {name: one for name, one in self.names.items() if one.user_id not in self.closed}


@dataclass
class House:
    """What a running media plane stands on."""

    storage: Any = field(default_factory=MemoryStorage)
    served: Any = None
    """What the plane is given, when that sees less than the test does."""
    objects: Any = field(default_factory=MemoryObjects)
    cache: MemoryCache = field(default_factory=MemoryCache)
    doorkeeper: Doorkeeper = field(default_factory=Doorkeeper)
    limits: Limits | None = None
    vault: Vault = field(default_factory=lambda: Vault((b"m" * 32,)))
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
        storage = self.served or self.storage
        return MediaPorts(
            videos=storage.videos,
            uploads=storage.uploads,
            objects=self.objects,
            cache=self.cache,
            identification=self.doorkeeper,
            limits=self.limits or make_limits(self.config, MemoryBuckets()),
            segment_keys=SegmentKeys(self.vault),
            kick=self.kick,
        )

    async def upload(self, path: str) -> Upload:
        """Return the row of an upload by its path."""
        upload_id = find_upload_id(self.config, path.rpartition("/")[2])
        assert upload_id
        upload = await self.storage.uploads.find(upload_id)
        assert upload
        return upload

    async def bytes_of(self, path: str) -> bytes:
        """Return what is kept of an upload."""
        segments = (await self.upload(path)).segments
        return b"".join([await self.objects.get(segment.key) for segment in segments])

    async def news(self) -> list[Any]:
        """Return the messages that were promised."""
        lines = await self.storage.outbox.pending(100)
        return [open_message(line.subject, line.headers, line.body) for line in lines]


@asynccontextmanager
async def running(house: House, *more: Route) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve until left, then drain."""
    routes = (*media_routes(house.config, house.ports, house.ready), *more)
    house.plane = Plane(routes, house.config.allowed_origins)
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


async def create(client: httpx2.AsyncClient, length: int | None, **headers: str) -> str:
    """Create an upload and return its path."""
    size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    answer = await client.post("/uploads", headers={**TUS, **size, **headers})
    assert answer.status_code == 201, answer.text
    return path_of(answer.headers["Location"])


async def patch(
    client: httpx2.AsyncClient, path: str, offset: int, data: bytes | AsyncIterator[bytes], **headers: str
) -> httpx2.Response:
    """Send a piece of an upload."""
    return await client.patch(path, headers={**PIECE, "Upload-Offset": str(offset), **headers}, content=data)


async def offset_of(client: httpx2.AsyncClient, path: str) -> int:
    """Return where an upload stands."""
    return int((await client.head(path, headers=TUS)).headers["Upload-Offset"])


def path_of(url: str) -> str:
    """Return a URL without its origin."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def metadata(**pairs: str | bytes) -> str:
    """Return an Upload-Metadata header."""
    raw = {key: value.encode() if isinstance(value, str) else value for key, value in pairs.items()}
    return ",".join(f"{key} {b64encode(value).decode()}" for key, value in raw.items())


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition that something in the background brings about."""
    async with asyncio.timeout(10.0):
        while not await condition():
            await asyncio.sleep(0.005)


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
