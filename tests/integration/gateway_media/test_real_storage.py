"""The media plane over real Postgres, held to its policies, Redis and a local disk."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import httpx2
import pytest
from msgspec.structs import replace

from gateway.limits.leases import make_limits
from gateway.signing import media_expiry, media_url
from storage.bundle import Storage
from storage.identity_records import UploadQuota
from storage.keys import original_key
from storage.objects import StoredObjects
from storage.opening import open_storage
from storage.records import LOCAL_USER_ID
from subjects.codec import Envelope
from tests.unit.gateway_media.house import TUS, House, create, known, offset_of, patch, path_of, running

DATA = os.urandom(20_000)


@pytest.fixture
async def storage(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Storage]:
    async with open_storage(database_url, StoredObjects.local(tmp_path), redis_url) as storage:
        yield storage


@pytest.fixture
async def confined(database_url: str, redis_url: str, storage: Storage) -> AsyncIterator[Storage]:
    """What the plane is given: a database user that is held to row-level security."""
    url = f"{database_url}?{urlencode({'role': 'truthtok_gateway'})}"
    async with open_storage(url, storage.objects, redis_url, asks=True) as confined:
        yield confined


@pytest.fixture
def house(storage: Storage, confined: Storage) -> House:
    house = House(storage=storage, served=confined, objects=storage.objects, cache=storage.cache)
    house.limits = make_limits(house.config, storage.buckets)
    return house


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(house) as client:
        yield client


async def test_an_upload_is_kept_and_announced(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    assert (await patch(client, path, 0, DATA[:7_500])).status_code == 204
    assert (await patch(client, path, 7_500, DATA[7_500:])).status_code == 204
    assert await house.bytes_of(path) == DATA
    [news] = await house.news()
    assert news.size_bytes == len(DATA)
    video = await house.storage.videos.load(news.video_id)
    assert (video.user_id, video.status) == (LOCAL_USER_ID, "waiting")


async def test_of_many_writers_one_wins(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    answers = await asyncio.gather(*(patch(client, path, 0, DATA) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {204, 409, 403, 410}
    offset = await offset_of(client, path)
    if offset < len(DATA):
        assert (await patch(client, path, offset, DATA[offset:])).status_code == 204
    assert await house.bytes_of(path) == DATA
    assert len(await house.news()) == 1


async def test_parts_are_joined(house: House, client: httpx2.AsyncClient) -> None:
    parts = []
    for data in (DATA[:9_000], DATA[9_000:]):
        parts.append(await create(client, len(data), **{"Upload-Concat": "partial"}))
        await patch(client, parts[-1], 0, data)
    answer = await client.post("/uploads", headers={**TUS, "Upload-Concat": f"final;{' '.join(parts)}"})
    path = path_of(answer.headers["Location"])
    assert await house.bytes_of(path) == DATA
    told = (await client.head(path, headers=TUS)).headers["Upload-Concat"]
    assert told == "final;" + " ".join(f"http://media{part}" for part in parts)
    assert len(await house.news()) == 1


BEN = UUID(int=2)


@pytest.fixture
async def ben(database_url: str, house: House) -> dict[str, str]:
    """The headers of another user."""
    await _execute(database_url, f"insert into users (id) values ('{BEN}')")  # noqa: S608 - a constant
    house.doorkeeper.names["ben"] = known(BEN)
    return {"Authorization": "Bearer ben"}


async def _execute(database_url: str, statement: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(statement)
    await connection.close()


async def test_parts_of_another_user_are_not_joined(client: httpx2.AsyncClient, ben: dict[str, str]) -> None:
    part = await create(client, 10, **{"Upload-Concat": "partial"})
    await patch(client, part, 0, DATA[:10])
    final = {**TUS, "Upload-Concat": f"final;{part}"}
    assert (await client.post("/uploads", headers={**final, **ben})).status_code == 409
    assert (await client.post("/uploads", headers=final)).status_code == 201


async def test_an_upload_is_given_up_by_whoever_holds_its_url(
    house: House, client: httpx2.AsyncClient, ben: dict[str, str]
) -> None:
    path = await create(client, 10, **ben)
    assert (await client.delete(path, headers=TUS)).status_code == 204
    assert (await house.upload(path)).state == "terminated"


async def test_the_priority_of_a_private_video_is_known(
    house: House, client: httpx2.AsyncClient, database_url: str
) -> None:
    path = await create(client, 500)
    await _execute(database_url, "update videos set visibility = 'private', priority = 'low'")
    assert (await patch(client, path, 0, DATA[:500])).status_code == 204
    [line] = await house.storage.outbox.pending(10)
    assert line.subject.startswith("upload.completed.low.")


async def test_a_day_that_is_used_up_is_told(house: House) -> None:
    house.config = replace(house.config, quota=UploadQuota(uploads=1, size_bytes=10**9))
    async with running(house) as client:
        await create(client, 10)
        answer = await client.post("/uploads", headers={**TUS, "Upload-Length": "10"})
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")


async def test_an_empty_upload_is_announced(house: House, client: httpx2.AsyncClient) -> None:
    await create(client, 0)
    assert [news.size_bytes for news in await house.news()] == [0]


async def test_a_deferred_length_completes(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, None)
    await patch(client, path, 0, DATA)
    assert (await patch(client, path, len(DATA), b"", **{"Upload-Length": str(len(DATA))})).status_code == 204
    assert len(await house.news()) == 1


async def test_the_upload_of_a_deleted_video_is_gone(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    await patch(client, path, 0, DATA)
    [news] = await house.news()
    line = (await house.storage.outbox.pending(1))[0]
    removed = Envelope(line.subject, line.body, {**line.headers, "Nats-Msg-Id": "other"})
    assert await house.storage.videos.remove(news.video_id, LOCAL_USER_ID, removed)
    assert (await client.head(path, headers=TUS)).status_code == 410


async def test_an_object_on_disk_is_delivered(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 0)
    video_id = (await house.upload(path)).video_id
    assert video_id
    await house.objects.put(original_key(video_id, "mp4"), DATA)
    expires_at = media_expiry(house.config, datetime.now(UTC))
    url = path_of(media_url(house.config, video_id, "original.mp4", expires_at))
    assert (await client.get(url)).content == DATA
    part = await client.get(url, headers={"Range": "bytes=-100"})
    assert (part.status_code, part.content) == (206, DATA[-100:])
    known = await client.get(url, headers={"If-None-Match": part.headers["ETag"]})
    assert known.status_code == 304


async def test_a_directory_is_no_object(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 0)
    video_id = (await house.upload(path)).video_id
    assert video_id
    await house.objects.put(f"videos/{video_id}/hls/a.m4s", DATA)
    url = media_url(house.config, video_id, "hls", media_expiry(house.config, datetime.now(UTC)))
    assert (await client.get(path_of(url))).status_code == 404
