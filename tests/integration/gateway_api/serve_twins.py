"""Serves the API over the twins, for tests over a real socket: `serve_twins.py PORT [HOST [broken]]`.

Prints `ready` once it serves. A GET of a video titled `slow` takes half a second.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from gateway.config import GatewayConfig
from gateway.ports import Dependency, Ports, Queue
from gateway.relay import Relay
from gateway.robyn_server import run_api
from storage.memory import MemoryStorage
from storage.records import Video
from subjects.memory import MemoryBus


class SlowVideos:
    """Videos of which one takes its time."""

    def __init__(self, videos: object) -> None:
        self._videos = videos

    def __getattr__(self, name: str) -> object:
        return getattr(self._videos, name)

    async def find(self, video_id: UUID, viewer_id: UUID) -> Video | None:
        found = await self._videos.find(video_id, viewer_id)
        if found is not None and found.title == "slow":
            await asyncio.sleep(0.5)
        return found


class NoQueues:
    async def list_queues(self) -> list[Queue]:
        return []


@asynccontextmanager
async def open_twins() -> AsyncIterator[Ports]:
    if "broken" in sys.argv:
        raise OSError("the database is not there")
    storage, bus = MemoryStorage(), MemoryBus()
    relay, over = Relay(storage.outbox, bus), asyncio.Event()
    relaying = asyncio.create_task(relay.run(over))
    yield Ports(
        videos=SlowVideos(storage.videos),
        uploads=storage.uploads,
        idempotency=storage.idempotency,
        bus=bus,
        queues=NoQueues(),
        kick=relay.kick,
        dependencies=(Dependency(name="nats", ping=bus.ping),),
    )
    over.set()
    await relaying
    print("closed", flush=True)


if __name__ == "__main__":
    port = int(sys.argv[1])
    address = f"http://127.0.0.1:{port}"
    run_api(
        GatewayConfig(api_url=address, media_url="http://127.0.0.1:1", signing_key=b"k" * 32),
        open_twins,
        host=sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1",
        port=port,
        on_ready=lambda: print("ready", flush=True),
    )
