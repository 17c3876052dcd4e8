"""The API over the twins, without a socket: `house` holds everything, `house.ask` sends a request."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.api import Api, make_api
from gateway.config import GatewayConfig
from gateway.exchange import Request, Response
from gateway.ports import Dependency, Ports, Queue
from storage.keys import derived_key, original_key
from storage.memory import MemoryStorage
from storage.records import LOCAL_USER_ID, Illustration, Original
from subjects.codec import seal
from subjects.media import Picture, Storyboard
from subjects.memory import MemoryBus
from subjects.message import Message, Priority

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Told:
    """A response, with its JSON read."""

    status: int
    headers: dict[str, str]
    body: bytes
    stream: AsyncIterator[bytes] | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def pointers(self) -> list[str]:
        return [error["pointer"] for error in self.json.get("errors", [])]


@dataclass
class House:
    """The API and what stands behind it."""

    storage: MemoryStorage
    bus: MemoryBus
    clock: list[datetime]
    kicks: list[str] = field(default_factory=list)
    dependencies: tuple[Dependency, ...] = ()
    queues: list[Queue] = field(default_factory=list)
    config: GatewayConfig = field(
        default_factory=lambda: GatewayConfig(
            api_url="http://api.test",
            media_url="http://media.test",
            signing_key=b"k" * 32,
            allowed_origins=("https://app.test",),
        )
    )
    streams: int = 10
    videos: Any = None
    api: Api = None  # type: ignore[assignment]

    def build(self) -> None:
        self.api = make_api(
            self.config,
            Ports(
                videos=self.videos or self.storage.videos,
                uploads=self.storage.uploads,
                idempotency=self.storage.idempotency,
                bus=self.bus,
                queues=self,
                kick=lambda: self.kicks.append("kick"),
                dependencies=self.dependencies,
                now=self.now,
            ),
            self.streams,
        )

    def now(self) -> datetime:
        return self.clock[0]

    def later(self, seconds: float) -> None:
        self.clock[0] += timedelta(seconds=seconds)

    async def list_queues(self) -> list[Queue]:
        return self.queues

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        query: tuple[tuple[str, str], ...] = (),
        peer: str = "127.0.0.1",
    ) -> Told:
        sent = {} if body is None and raw is None else {"content-type": "application/json"}
        path, _, search = path.partition("?")
        pairs = tuple(tuple(part.split("=", 1)) for part in search.split("&")) if search else query
        request = Request(
            method=method,
            path=path,
            query=pairs,
            headers=sent | {name.lower(): value for name, value in (headers or {}).items()},
            body=raw if raw is not None else b"" if body is None else json.dumps(body).encode(),
            peer=peer,
        )
        answer: Response = await self.api.respond(request)
        return Told(answer.status, answer.headers, answer.body, answer.stream)

    async def announce(self, title: str = "Rain", **more: Any) -> dict[str, Any]:
        """Create a video and return its representation."""
        told = await self.ask("POST", "/api/v1/videos", intent(title=title, **more))
        assert told.status == 201, told.body
        return told.json["video"]

    async def say(self, message: Message, message_id: str = "") -> int:
        """Publish a message; return its sequence."""
        made = seal(message, message_id=message_id or str(id(message)), priority=Priority.NORMAL)
        return (await self.bus.publish(made)).sequence

    def owned_by_another(self, video_id: str, **changes: Any) -> None:
        """Give a video to somebody else."""
        state = self.storage.videos.state
        state.keep(state.video(UUID(video_id)), user_id=UUID(int=LOCAL_USER_ID.int + 1), **changes)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Let the hub run."""
        task = asyncio.create_task(self.api.hub.run())
        await self.api.hub.live.wait()
        try:
            yield
        finally:
            self.api.drain()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def make_house(**changes: Any) -> House:
    clock = [START]

    def now() -> datetime:
        return clock[0]

    made = House(MemoryStorage(now=now), MemoryBus(), clock, **changes)
    made.build()
    return made


def intent(**changes: Any) -> dict[str, Any]:
    """The body of POST /videos."""
    upload = {"size_bytes": 1000, "content_type": "video/mp4"} | changes.pop("upload", {})
    return {"title": "Rain", "upload": upload} | changes


@pytest.fixture
def house() -> House:
    return make_house()


@pytest.fixture
def new_house() -> Any:
    """A maker of houses, for tests that change what stands behind."""
    return make_house


@pytest.fixture
def video_intent() -> Any:
    return intent


@pytest.fixture
def illustrated() -> Any:
    """Keeps an original and pictures for a video."""

    async def keep(house: House, video_id: UUID) -> None:
        def picture(name: str, width: int) -> Picture:
            key = derived_key(video_id, name)
            return Picture(key=key, content_type="image/jpeg", width_px=width, height_px=width)

        original = Original(
            key=original_key(video_id, "mp4"), size_bytes=1000, sha256="0" * 64, content_type="video/mp4"
        )
        await house.storage.videos.record_original(video_id, original)
        board = Storyboard(
            vtt_key=derived_key(video_id, "storyboard.vtt"),
            sheet_keys=(derived_key(video_id, "sheet-0.jpg"),),
            tile_width_px=160,
            tile_height_px=90,
            interval_seconds=1.0,
        )
        pictures = Illustration(
            posters=(picture("poster-720.jpg", 720), picture("poster-320.jpg", 320)),
            preview=picture("preview.webp", 320),
            storyboard=board,
        )
        await house.storage.videos.record_illustration(video_id, pictures)

    return keep
