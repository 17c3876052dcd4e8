"""What a killed or stopped media process leaves behind."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from gateway.media.embedded import listen
from gateway.signing import find_upload_id
from storage.objects import StoredObjects
from storage.opening import open_storage
from tests.integration.gateway_media import media_process
from tests.integration.gateway_media.media_process import CONFIG
from tests.unit.gateway_media.house import PIECE, create, head_of, offset_of, patch, until

ROOT = Path(__file__).parents[3]
DATA = os.urandom(1_000_000)


@dataclass(frozen=True)
class Place:
    """Where the process keeps everything."""

    database_url: str
    redis_url: str
    objects: Path

    async def bytes_of(self, path: str) -> bytes:
        objects = StoredObjects.local(self.objects)
        upload_id = find_upload_id(CONFIG, path.rpartition("/")[2])
        assert upload_id
        async with open_storage(self.database_url, objects, self.redis_url) as storage:
            upload = await storage.uploads.find(upload_id)
            assert upload
            return b"".join([await objects.get(segment.key) for segment in upload.segments])


@dataclass(frozen=True)
class Media:
    """A running media process."""

    process: asyncio.subprocess.Process
    port: int
    client: httpx2.AsyncClient

    async def end(self, number: int) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(20.0):
            return await self.process.wait()


@pytest.fixture
def place(database_url: str, redis_url: str, tmp_path: Path) -> Place:
    return Place(database_url, redis_url, tmp_path)


@asynccontextmanager
async def _started(place: Place) -> AsyncIterator[Media]:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, media_process.__file__),
        *(place.database_url, place.redis_url, str(place.objects), str(port)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until(lambda: _answers(client))
            yield Media(process, port, client)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _answers(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/ready")).status_code == 200
    except httpx2.TransportError:
        return False


async def _begin(media: Media, path: str, count: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Promise all of DATA and send a part of it."""
    told = {**PIECE, "Upload-Offset": "0", "Content-Length": str(len(DATA))}
    reader, writer = await asyncio.open_connection("127.0.0.1", media.port)
    writer.write(head_of("PATCH", path, told) + DATA[:count])
    await writer.drain()
    return reader, writer


async def _has_begun(media: Media, path: str) -> bool:
    return await offset_of(media.client, path) >= CONFIG.segment_bytes


async def test_after_a_kill_the_upload_goes_on_at_its_last_segment(place: Place) -> None:
    async with _started(place) as media:
        path = await create(media.client, len(DATA))
        _, writer = await _begin(media, path, 300_000)
        await until(lambda: _has_begun(media, path))
        await media.end(signal.SIGKILL)
        writer.close()
    async with _started(place) as media:
        offset = await offset_of(media.client, path)
        assert 0 < offset <= 300_000
        assert offset % CONFIG.segment_bytes == 0
        assert (await patch(media.client, path, offset, DATA[offset:])).status_code == 204
    assert await place.bytes_of(path) == DATA


async def test_a_stopped_process_finishes_its_upload_and_exits_0(place: Place) -> None:
    async with _started(place) as media:
        path = await create(media.client, len(DATA))
        reader, writer = await _begin(media, path, 300_000)
        await until(lambda: _has_begun(media, path))
        media.process.send_signal(signal.SIGTERM)
        writer.write(DATA[300_000:])
        assert (await reader.read()).startswith(b"HTTP/1.1 204")
        writer.close()
        async with asyncio.timeout(20.0):
            assert await media.process.wait() == 0
    assert await place.bytes_of(path) == DATA
