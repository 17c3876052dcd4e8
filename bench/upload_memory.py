"""What an upload costs the media plane: memory and throughput; and what delivery of a small file brings.

    python bench/upload_memory.py [--mib 1024] [--seconds 3]

A media plane in a process of its own (rows in memory, objects on disk), a client over loopback in this one.
"""

import argparse
import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

import uvloop

from gateway.config import GatewayConfig
from gateway.limits.leases import Unlimited
from gateway.media.embedded import listen, serve_plane
from gateway.media.plane import Plane
from gateway.media.routes import MediaPorts
from gateway.media.server import media_routes
from gateway.signing import media_expiry, media_url
from storage.keys import derived_key
from storage.memory.cache import MemoryCache
from storage.memory.storage import MemoryStorage
from storage.objects import StoredObjects
from storage.segment_keys import SegmentKeys
from tests.unit.gateway_media.house import Doorkeeper

MIB = 1024 * 1024
PIECE = bytes(range(256)) * 1024
CLIP_BYTES = 500_000
VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
CONFIG = GatewayConfig(
    api_url="http://api", media_url="http://media", signing_key=b"k" * 32, drain_seconds=1.0
)


async def serve(directory: Path) -> None:
    """Serve below a directory until SIGTERM; the port is the first line of stdout."""
    storage, objects = MemoryStorage(), StoredObjects.local(directory)
    await objects.put(derived_key(VIDEO, "clip.mp4"), os.urandom(CLIP_BYTES))
    ports = MediaPorts(
        videos=storage.videos,
        uploads=storage.uploads,
        objects=objects,
        cache=MemoryCache(),
        identification=Doorkeeper(),
        limits=Unlimited(),
        segment_keys=SegmentKeys(),
        kick=lambda: None,
    )

    async def ready() -> dict[str, str]:
        return {}

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    listener = listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    plane = Plane(media_routes(CONFIG, ports, ready))
    await serve_plane(plane, listener, stop=stop, drain_seconds=CONFIG.drain_seconds)


@dataclass(frozen=True)
class Server:
    """A media plane in a child process."""

    port: int
    pid: int

    def memory_mib(self, name: str) -> float:
        """Return VmRSS or VmHWM."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    async def request(self, head: str, body_bytes: int = 0) -> str:
        """Send a request with so many bytes and return the head of its answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"{head}Host: media\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\n\r\n".encode())
        while body_bytes > 0:
            writer.write(PIECE[:body_bytes])
            body_bytes -= len(PIECE)
            await writer.drain()
        answer = (await reader.read()).decode("latin-1")
        writer.close()
        return answer


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    """A media plane in a fresh process and directory."""
    with tempfile.TemporaryDirectory(prefix="truthtok-bench-") as directory:
        process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--serve", directory, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout
        yield Server(int(await process.stdout.readline()), process.pid)
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def upload(name: str, size_bytes: int, patch_bytes: int) -> None:
    """Upload and print what it cost."""
    async with server() as media:
        await media.request("GET /health HTTP/1.1\r\n")
        before_mib = media.memory_mib("VmRSS")
        answer = await media.request(f"POST /uploads HTTP/1.1\r\nUpload-Length: {size_bytes}\r\n")
        found = re.search(r"(?i)location: http://media(\S+)", answer)
        assert found, answer
        begun = time.perf_counter()
        for offset in range(0, size_bytes, patch_bytes):
            count = min(patch_bytes, size_bytes - offset)
            head = (
                f"PATCH {found[1]} HTTP/1.1\r\nUpload-Offset: {offset}\r\nContent-Length: {count}\r\n"
                "Content-Type: application/offset+octet-stream\r\n"
            )
            answer = await media.request(head, count)
            assert " 204 " in answer, answer
        seconds = time.perf_counter() - begun
        peak_mib = media.memory_mib("VmHWM")
        print(
            f"{name}: {size_bytes / MIB / seconds:.0f} MiB/s, "
            f"RSS {before_mib:.0f} -> peak {peak_mib:.0f} MiB (+{peak_mib - before_mib:.0f})"
        )


async def deliver(seconds: float, connections: int = 8) -> None:
    """Fetch a small file over and over and print how often."""
    async with server() as media:
        url = media_url(CONFIG, VIDEO, "clip.mp4", media_expiry(CONFIG, datetime.now(UTC)))
        ask = f"GET {url.removeprefix(CONFIG.media_url)} HTTP/1.1\r\nHost: media\r\n\r\n".encode()
        until = time.perf_counter() + seconds

        async def fetch() -> int:
            reader, writer = await asyncio.open_connection("127.0.0.1", media.port, limit=2 * MIB)
            count = 0
            while time.perf_counter() < until:
                writer.write(ask)
                head = await reader.readuntil(b"\r\n\r\n")
                assert b" 200 " in head, head
                await reader.readexactly(CLIP_BYTES)
                count += 1
            writer.close()
            return count

        total = sum(await asyncio.gather(*(fetch() for _ in range(connections))))
        rate_mib = total * CLIP_BYTES / MIB / seconds
        print(f"delivery of {CLIP_BYTES} bytes: {total / seconds:.0f}/s, {rate_mib:.0f} MiB/s")


async def main(size_mib: int, seconds: float) -> None:
    """Measure everything in turn."""
    await upload("one PATCH", size_mib * MIB, size_mib * MIB)
    await upload("PATCHes of 8 MiB", size_mib * MIB, 8 * MIB)
    await deliver(seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--serve", type=Path)
    options = parser.parse_args()
    uvloop.run(serve(options.serve) if options.serve else main(options.mib, options.seconds))
