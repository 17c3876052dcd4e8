"""A tus client that somebody else wrote."""

import asyncio
from io import BytesIO
from typing import Any

import httpx2
import pytest
from tusclient import client as tus
from tusclient.uploader import Uploader

from tests.unit.gateway_media.house import House, path_of

DATA = bytes(range(256)) * 40


@pytest.fixture
def server(house: House, client: httpx2.AsyncClient) -> str:
    return f"http://127.0.0.1:{house.port}"


def _uploader(server: str, **options: Any) -> Uploader:
    return tus.TusClient(f"{server}/uploads").uploader(
        file_stream=BytesIO(DATA), metadata={"filename": "sea.mp4", "filetype": "video/mp4"}, **options
    )


async def test_it_uploads_a_file(house: House, server: str) -> None:
    # The server names itself by its public URL: behind the socket of this test it is another.
    uploader = _uploader(server, chunk_size=3000)
    made = await asyncio.to_thread(uploader.create_url)
    uploader.set_url(server + path_of(made))
    await asyncio.to_thread(uploader.upload)
    assert await house.bytes_of(path_of(made)) == DATA
    assert len(await house.news()) == 1


async def test_it_goes_on_where_it_broke_off(house: House, server: str) -> None:
    first = _uploader(server, chunk_size=3000)
    made = await asyncio.to_thread(first.create_url)
    first.set_url(server + path_of(made))
    await asyncio.to_thread(first.upload_chunk)
    second = await asyncio.to_thread(_uploader, server, chunk_size=5000, url=server + path_of(made))
    assert second.offset == 3000
    await asyncio.to_thread(second.upload)
    assert await house.bytes_of(path_of(made)) == DATA


async def test_its_checksums_are_understood(house: House, server: str) -> None:
    uploader = _uploader(server, chunk_size=4000, upload_checksum=True)
    made = await asyncio.to_thread(uploader.create_url)
    uploader.set_url(server + path_of(made))
    await asyncio.to_thread(uploader.upload)
    assert await house.bytes_of(path_of(made)) == DATA
