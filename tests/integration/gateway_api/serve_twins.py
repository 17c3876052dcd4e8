"""Serves the API over the twins, for tests over a real socket: `serve_twins.py PORT [HOST [broken]]`.

Prints `ready` once it serves. A GET of a video titled `slow` takes half a second.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from gateway.config import GatewayConfig
from gateway.identity.identification import identification_of
from gateway.limits.leases import make_limits
from gateway.ports import Dependency, Ports, Queue
from gateway.relay import Relay
from gateway.robyn_server import run_api
from storage.memory import MemoryStorage
from storage.memory.buckets import MemoryBuckets
from storage.records import Video
from storage.sealing import Vault
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


PORT = int(sys.argv[1])
CONFIG = GatewayConfig(
    api_url=f"http://127.0.0.1:{PORT}",
    media_url="http://127.0.0.1:1",
    signing_key=b"k" * 32,
    token_seeds=(b"s" * 32,),
    password_memory_bytes=64 * 1024,
    password_passes=1,
)


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
        accounts=storage.accounts,
        departures=storage.departures,
        sessions=storage.sessions,
        api_keys=storage.api_keys,
        audit=storage.audit,
        identification=identification_of(CONFIG, storage.sessions, storage.api_keys, storage.audit),
        limits=make_limits(CONFIG, MemoryBuckets()),
        vault=Vault((b"v" * 32,)),
        bus=bus,
        queues=NoQueues(),
        kick=relay.kick,
        dependencies=(Dependency(name="nats", ping=bus.ping),),
    )
    over.set()
    await relaying
    print("closed", flush=True)


if __name__ == "__main__":
    run_api(
        CONFIG,
        open_twins,
        host=sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1",
        port=PORT,
        on_ready=lambda: print("ready", flush=True),
    )
