"""The keys of encrypted segments: to whoever holds a signed URL of the video, and to nobody else."""

import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin
from uuid import UUID

import httpx2
import pytest
from msgspec.structs import replace

from gateway.signing import media_expiry, media_url
from storage.keys import INIT_NAME, derived_key, rendition_key
from storage.memory.objects import MemoryObjects
from storage.sealing import Vault
from storage.segment_keys import SegmentKeys
from tests.unit.gateway_media.house import House, path_of, running

VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
OTHER = UUID("0199c8a2-0000-7000-8000-000000000002")
PAGE = "https://app.example"
FORMER, NEWEST = b"f" * 32, b"n" * 32
NAME = Vault((FORMER,)).newest_name.hex()
"""Of a master key that is not the newest any more."""
KEY = SegmentKeys(Vault((FORMER,))).key(NAME, VIDEO, "720p-h264")
KEY_FILE = f"cmaf/720p-h264/{NAME}.key"
PLAYLIST = f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="../720p-h264/{NAME}.key"\n'


class Presigning(MemoryObjects):
    """Objects that can be read elsewhere."""

    async def presign(self, key: str, seconds: float) -> str:
        return f"https://bucket.example/{key}"


@pytest.fixture
async def house() -> House:
    house = House(objects=Presigning(), vault=Vault((NEWEST, FORMER)))
    house.config = replace(house.config, allowed_origins=(PAGE,), redirect_to_storage=True)
    for video_id in (VIDEO, OTHER):
        for rendition in ("720p-h264", "audio-aac"):
            await house.objects.put(rendition_key(video_id, rendition, INIT_NAME, NAME), b"init")
    await house.objects.put(derived_key(VIDEO, "cmaf/v1/720p-h264.m3u8"), PLAYLIST.encode())
    return house


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(house) as client:
        yield client


def where(house: House, name: str = KEY_FILE, video_id: UUID = VIDEO, at: datetime | None = None) -> str:
    expires_at = media_expiry(house.config, at or datetime.now(UTC))
    return path_of(media_url(house.config, video_id, name, expires_at))


async def test_a_signed_url_brings_the_key_that_no_cache_may_keep(
    house: House, client: httpx2.AsyncClient
) -> None:
    answer = await client.get(where(house), headers={"Origin": PAGE})
    assert (answer.status_code, answer.content) == (200, KEY)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "ETag" not in answer.headers


async def test_head_says_how_long_it_is_and_not_what(house: House, client: httpx2.AsyncClient) -> None:
    answer = await client.head(where(house))
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "16", b"")


async def test_a_playlist_leads_to_the_key(house: House, client: httpx2.AsyncClient) -> None:
    path = where(house, "cmaf/v1/720p-h264.m3u8")
    named = (await client.get(path)).text.partition('URI="')[2].partition('"')[0]
    assert (await client.get(urljoin(path, named))).content == KEY


async def test_every_rendition_and_every_video_has_a_key_of_its_own(
    house: House, client: httpx2.AsyncClient
) -> None:
    sound = KEY_FILE.replace("720p-h264", "audio-aac")
    paths = [where(house), where(house, sound), where(house, video_id=OTHER)]
    assert len({(await client.get(path)).content for path in paths}) == 3


async def test_no_key_without_a_signature_of_this_video(house: House, client: httpx2.AsyncClient) -> None:
    path, query = where(house).split("?")
    foreign = where(house, video_id=OTHER).partition("?")[2]
    for asked in ("", foreign, query[:-1], query.replace("expires=", "expires=1")):
        answer = await client.get(f"{path}?{asked}")
        assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")
    late = await client.get(where(house, at=datetime.now(UTC) - timedelta(days=1)))
    assert (late.status_code, late.json()["code"]) == (410, "url_expired")


@pytest.mark.parametrize(
    "name",
    [
        f"cmaf/720p-h264/{'ff' * 8}.key",
        f"cmaf/720p-h264/{NAME.upper()}.key",
        f"cmaf/720p-h264/{Vault((NEWEST,)).newest_name.hex()}.key",
        f"cmaf/1080p-h264/{NAME}.key",
        f"cmaf/../{NAME}.key",
        f"cmaf/a b/{NAME}.key",
        "cmaf/720p-h264/ä.key",
        "cmaf/720p-h264/.key",
    ],
)
async def test_a_key_that_opens_nothing_is_not_there(
    house: House, client: httpx2.AsyncClient, name: str
) -> None:
    answer = await client.get(where(house, name))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_key_of_a_video_that_was_deleted_is_gone(house: House, client: httpx2.AsyncClient) -> None:
    await house.objects.remove_prefix(f"videos/{VIDEO}")
    assert (await client.get(where(house))).status_code == 404


async def test_what_somebody_put_in_its_place_is_never_served(
    house: House, client: httpx2.AsyncClient
) -> None:
    await house.objects.put(derived_key(VIDEO, KEY_FILE), b"0" * 16)
    assert (await client.get(where(house))).content == KEY


async def test_a_line_of_the_log_has_no_key(
    house: House, client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await client.get(where(house))
    (line,) = [json.loads(one) for one in caplog.messages if '"route"' in one]
    assert line["route"] == "/media/{video_id}/cmaf/{rendition}/{key_name}.key"
    ours = [one.getMessage() for one in caplog.records if one.name.startswith(("truthtok", "gateway"))]
    assert len(ours) == 1
    for written in (KEY.hex(), repr(KEY), KEY.decode("latin-1"), NAME):
        assert written not in ours[0]
