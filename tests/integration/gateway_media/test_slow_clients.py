"""Clients that hold memory and hardly use it, and what is left for others: over real servers."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx2
import pytest
from msgspec.structs import replace

from gateway.media.budget import SMALLEST_BYTES
from gateway.media.journal import BUFFERS
from storage.objects import StoredObjects
from storage.opening import open_storage
from tests.unit.gateway_media.house import (
    PIECE,
    House,
    create,
    head_of,
    known,
    offset_of,
    patch,
    running,
    until,
)

MIB = 1024**2
SEGMENT_BYTES = 16 * MIB
"""An upload holds twice that and a little: three fit into a quarter of the memory, fifteen into all of it."""
HELD_BYTES = 2 * SEGMENT_BYTES + SMALLEST_BYTES
CLAIMED_BYTES = 2 * SEGMENT_BYTES
LARGE = os.urandom(17 * MIB)
"""Needs as much memory as a slow one holds."""
OWNERS = 16


@pytest.fixture
async def house(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    connection = await asyncpg.connect(database_url)
    for number in range(1, OWNERS + 1):
        await connection.execute("insert into users (id) values ($1)", UUID(int=number))
    await connection.close()
    async with open_storage(database_url, StoredObjects.local(tmp_path), redis_url) as storage:
        house = House(storage=storage, objects=storage.objects, cache=storage.cache)
        house.config = replace(house.config, segment_bytes=SEGMENT_BYTES)
        house.doorkeeper.names = {str(n): known(UUID(int=n)) for n in range(1, OWNERS + 1)}
        yield house


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(house) as client:
        yield client


@dataclass
class Crowd:
    """Slow clients: each promises a large body, sends a little of it, and falls silent."""

    house: House
    client: httpx2.AsyncClient
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    readers: list[asyncio.StreamReader] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def join(self, owner: int, address: str) -> None:
        """Let one more come, of some owner and from some address."""
        path = await create(self.client, CLAIMED_BYTES, Authorization=f"Bearer {owner}")
        reader, writer = await self.open(path, address, CLAIMED_BYTES)
        writer.write(LARGE[:1000])
        self.readers.append(reader)
        self.writers.append(writer)
        self.paths.append(path)

    async def open(
        self, path: str, address: str, size_bytes: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.house.port, local_addr=(address, 0))
        told = {**PIECE, "Upload-Offset": "0", "Content-Length": str(size_bytes)}
        writer.write(head_of("PATCH", path, told))
        return reader, writer

    async def settle(self) -> None:
        """Wait until all of them hold their memory."""

        async def is_settled() -> bool:
            return BUFFERS._value.get() == len(self.writers) * HELD_BYTES

        await until(is_settled)

    async def attempt(self, owner: int, address: str) -> bytes:
        """Upload in a hurry, and return what is answered."""
        path = await create(self.client, len(LARGE), Authorization=f"Bearer {owner}")
        return await self.send(path, address)

    async def send(self, path: str, address: str) -> bytes:
        """The same with an upload that is there already."""
        reader, writer = await self.open(path, address, len(LARGE))
        writer.write(LARGE)
        async with asyncio.timeout(20.0):
            answer = await reader.read()
        writer.close()
        return answer

    def leave(self) -> None:
        for writer in self.writers:
            writer.close()


@pytest.fixture
async def crowd(house: House, client: httpx2.AsyncClient) -> AsyncIterator[Crowd]:
    crowd = Crowd(house, client)
    yield crowd
    crowd.leave()


def _is_refused(answer: bytes, status: int, code: bytes) -> bool:
    assert b"retry-after: " in answer.lower()
    return answer.startswith(b"HTTP/1.1 %d " % status) and code in answer


async def test_one_owner_who_holds_a_share_leaves_room_for_others(crowd: Crowd) -> None:
    for number in range(7):
        await crowd.join(1, f"127.0.1.{number + 1}")
    await crowd.settle()
    assert _is_refused(await crowd.attempt(1, "127.0.1.9"), 429, b"too_many_requests")
    assert (await crowd.attempt(2, "127.0.2.1")).startswith(b"HTTP/1.1 204")


async def test_one_network_that_holds_a_share_leaves_room_for_others(crowd: Crowd) -> None:
    for number in range(7):
        await crowd.join(number + 1, "127.0.1.1")
    await crowd.settle()
    assert _is_refused(await crowd.attempt(8, "127.0.1.1"), 429, b"too_many_requests")
    assert (await crowd.attempt(8, "127.0.2.1")).startswith(b"HTTP/1.1 204")


async def test_silent_clients_who_hold_everything_give_way_and_keep_what_they_brought(
    house: House, client: httpx2.AsyncClient, crowd: Crowd
) -> None:
    for number in range(1, 16):
        await crowd.join(number, f"127.0.1.{number}")
    await crowd.settle()
    path = await create(client, len(LARGE), Authorization="Bearer 16")
    assert _is_refused(await crowd.send(path, "127.0.2.1"), 503, b"overloaded")

    async def gets_through() -> bool:
        answer = await crowd.send(path, "127.0.2.1")
        if answer.startswith(b"HTTP/1.1 204"):
            return True
        assert _is_refused(answer, 503, b"overloaded")
        return False

    await until(gets_through)
    assert await offset_of(client, path) == len(LARGE)
    offsets = [await offset_of(client, path) for path in crowd.paths]
    ended = [place for place, offset in enumerate(offsets) if offset]
    assert {offsets[place] for place in ended} == {1000}
    told = await crowd.readers[ended[0]].read()
    assert told.startswith(b"HTTP/1.1 204")
    assert b"upload-offset: 1000" in told.lower()
    ended_path, rest = crowd.paths[ended[0]], bytes(CLAIMED_BYTES - 1000)

    async def goes_on() -> bool:
        return (await patch(client, ended_path, 1000, rest)).status_code == 204

    await until(goes_on)
    assert (await house.upload(ended_path)).state == "complete"
