"""A media plane as a process of its own, over real storage: DATABASE_URL REDIS_URL DIRECTORY PORT."""

import asyncio
import signal
import sys
from pathlib import Path

import uvloop

from gateway.config import GatewayConfig
from gateway.limits.leases import make_limits
from gateway.media.server import serve_media
from storage.objects import StoredObjects
from storage.opening import open_storage
from storage.segment_keys import SegmentKeys
from subjects.memory import MemoryBus
from tests.unit.gateway_media.house import Doorkeeper

CONFIG = GatewayConfig(
    api_url="http://api",
    media_url="http://media",
    signing_key=b"k" * 32,
    segment_bytes=64 * 1024,
    drain_seconds=5.0,
)


async def main(database_url: str, redis_url: str, directory: str, port: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def ready() -> dict[str, str]:
        return {}

    async with open_storage(database_url, StoredObjects.local(Path(directory)), redis_url) as storage:
        await serve_media(
            CONFIG,
            storage,
            MemoryBus(),
            identification=Doorkeeper(),
            limits=make_limits(CONFIG, storage.buckets),
            segment_keys=SegmentKeys(),
            host="127.0.0.1",
            port=port,
            ready=ready,
            stop=stop,
        )


if __name__ == "__main__":
    database, redis, objects, listen_port = sys.argv[1:]
    uvloop.run(main(database, redis, objects, int(listen_port)))
