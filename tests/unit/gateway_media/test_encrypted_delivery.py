"""Delivery of objects that lie encrypted: as any other, and never a byte that was tampered with."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from gateway.signing import media_expiry, media_url
from storage.encrypted_objects import EncryptedObjects
from storage.keys import derived_key
from storage.objects import StoredObjects
from storage.sealed_chunks import HEADER_BYTES, SEALED_CHUNK_BYTES
from storage.sealing import Vault
from tests.unit.gateway_media.house import House, create, patch, path_of, running

VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
KEY = derived_key(VIDEO, "original.mp4")
DATA = os.urandom(3_000_000)


@pytest.fixture
async def house(tmp_path: Path) -> House:
    objects = EncryptedObjects.over(StoredObjects.local(tmp_path), Vault((b"m" * 32,)), "all")
    await objects.put(KEY, DATA)
    await objects.put(
        derived_key(VIDEO, "storyboard.vtt"), b"WEBVTT\n\n00:00.000 --> 00:01.000\nsheet.jpg#xywh=0,0,1,1\n"
    )
    return House(objects=objects)


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(house) as client:
        yield client


def where(house: House, name: str = "original.mp4") -> str:
    return path_of(media_url(house.config, VIDEO, name, media_expiry(house.config, datetime.now(UTC))))


def damage(directory: Path, at: int) -> None:
    stored = bytearray((directory / KEY).read_bytes())
    stored[at] ^= 1
    (directory / KEY).write_bytes(stored)


async def test_the_object_comes_whole_and_in_parts(house: House, client: httpx2.AsyncClient) -> None:
    whole = await client.get(where(house))
    assert (whole.status_code, whole.content) == (200, DATA)
    for asked, part in [("0-0", DATA[:1]), ("65530-65545", DATA[65530:65546]), ("-100000", DATA[-100_000:])]:
        answer = await client.get(where(house), headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["Content-Range"].endswith(f"/{len(DATA)}")
    assert (await client.head(where(house))).headers["Content-Length"] == str(len(DATA))
    assert (await client.get(where(house), headers={"Range": "bytes=3000000-"})).status_code == 416


async def test_a_text_with_references_is_opened_too(house: House, client: httpx2.AsyncClient) -> None:
    answer = await client.get(where(house, "storyboard.vtt"))
    assert "sheet.jpg?expires=" in answer.text


async def test_an_upload_lies_encrypted(house: House, client: httpx2.AsyncClient, tmp_path: Path) -> None:
    data = os.urandom(2500)
    path = await create(client, len(data))
    assert (await patch(client, path, 0, data)).status_code == 204
    assert await house.bytes_of(path) == data
    lying = [file.read_bytes() for file in (tmp_path / "staging").rglob("*") if file.is_file()]
    assert len(lying) == 3
    assert not any(data[at : at + 16] in stored for stored in lying for at in (0, 1000, 2000))


@pytest.mark.parametrize("at", [0, 8, 20, HEADER_BYTES - 1, -1])
async def test_an_object_whose_ends_were_tampered_with_is_a_500(
    house: House, client: httpx2.AsyncClient, tmp_path: Path, at: int
) -> None:
    damage(tmp_path, at)
    answer = await client.get(where(house))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "key" not in answer.json()["detail"]
    assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize(("asked", "chunk"), [({}, 0), ({"Range": "bytes=1000000-2999998"}, 15)])
async def test_a_long_answer_whose_first_bytes_were_tampered_with_is_a_500_too(
    house: House, client: httpx2.AsyncClient, tmp_path: Path, asked: dict[str, str], chunk: int
) -> None:
    damage(tmp_path, HEADER_BYTES + chunk * SEALED_CHUNK_BYTES + 9)
    answer = await client.get(where(house), headers=asked)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "accept-ranges" not in answer.headers


async def test_an_object_whose_middle_was_tampered_with_ends_short_of_it(
    house: House, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    damaged_chunk = 30
    damage(tmp_path, HEADER_BYTES + damaged_chunk * SEALED_CHUNK_BYTES + 9)
    received = bytearray()
    with pytest.raises(httpx2.RemoteProtocolError):
        await receive(client, where(house), received)
    assert DATA.startswith(bytes(received))
    assert len(received) <= damaged_chunk * (SEALED_CHUNK_BYTES - 16)
    good = await client.get(where(house), headers={"Range": "bytes=0-9"})
    assert good.content == DATA[:10]


async def receive(client: httpx2.AsyncClient, path: str, into: bytearray) -> None:
    async with client.stream("GET", path) as answer:
        async for chunk in answer.aiter_bytes():
            into += chunk


async def test_an_object_that_was_cut_off_is_a_500(
    house: House, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    os.truncate(tmp_path / KEY, HEADER_BYTES + 4 * SEALED_CHUNK_BYTES)
    answer = await client.get(where(house), headers={"Range": "bytes=0-9"})
    assert answer.status_code == 500
