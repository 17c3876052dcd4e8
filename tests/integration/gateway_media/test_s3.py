"""The media plane over S3-compatible storage: uploads go through, readers are sent there or served."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from urllib.request import Request, urlopen
from uuid import UUID, uuid4

import httpx2
import pytest
from moto.server import ThreadedMotoServer
from msgspec.structs import replace

from gateway.signing import media_expiry, media_url
from storage.keys import original_key
from storage.objects import StoredObjects
from tests.unit.gateway_media.house import House, create, patch, path_of, running

VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
DATA = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
async def house(endpoint: str) -> House:
    bucket, key_id, secret = f"bucket-{uuid4().hex}", "anybody", "anything"
    with urlopen(Request(f"{endpoint}/{bucket}", method="PUT")):  # noqa: S310, ASYNC210 - the test's own server
        objects = StoredObjects.s3(
            bucket,
            endpoint=endpoint,
            access_key_id=key_id,
            secret_access_key=secret,
            region="us-east-1",
        )
    house = House(objects=objects)
    house.config = replace(house.config, segment_bytes=1_000_000)
    await objects.put(original_key(VIDEO, "mp4"), DATA)
    return house


@pytest.fixture(params=[True, False])
async def client(house: House, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    house.config = replace(house.config, redirect_to_storage=request.param)
    async with running(house) as client:
        client.follow_redirects = True
        yield client


async def test_an_object_is_read_there_or_through_us(house: House, client: httpx2.AsyncClient) -> None:
    url = path_of(
        media_url(house.config, VIDEO, "original.mp4", media_expiry(house.config, datetime.now(UTC)))
    )
    answer = await client.get(url)
    assert (answer.status_code, answer.content == DATA) == (200, True)
    assert bool(answer.history) == house.config.redirect_to_storage
    part = await client.get(url, headers={"Range": "bytes=-100"})
    assert (part.status_code, part.content) == (206, DATA[-100:])
    told = await client.head(url)
    assert (told.headers["Content-Length"], told.history) == (str(len(DATA)), [])


async def test_segments_lie_in_the_bucket(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    assert (await patch(client, path, 0, DATA)).status_code == 204
    assert await house.bytes_of(path) == DATA
