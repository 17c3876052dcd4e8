"""The media plane over real Postgres, Redis and a local disk."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from gateway.signing import media_expiry, media_url
from storage.bundle import Storage
from storage.keys import original_key
from storage.objects import StoredObjects
from storage.opening import open_storage
from storage.records import LOCAL_USER_ID
from subjects.codec import Envelope
from tests.unit.gateway_media.house import TUS, House, create, offset_of, patch, path_of, running

DATA = os.urandom(20_000)


@pytest.fixture
async def storage(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Storage]:
    async with open_storage(database_url, StoredObjects.local(tmp_path), redis_url) as storage:
        yield storage


@pytest.fixture
def house(storage: Storage) -> House:
    return House(storage=storage, objects=storage.objects, cache=storage.cache)


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
