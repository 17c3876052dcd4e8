"""What a player asks for: pages that lead on to every segment, on any origin that is allowed."""

import posixpath
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urljoin
from uuid import UUID
from xml.etree import ElementTree as ET

import httpx2
import pytest
from msgspec.structs import replace

from gateway.signing import media_expiry, media_url
from storage.keys import derived_key
from tests.unit.gateway_media.house import House, path_of, running

VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
PAGE = "https://app.example"
OBJECTS = {
    "cmaf/v1/master.m3u8": (
        b'#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="a",URI="audio-aac.m3u8"\n'
        b'#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="audio"\n720p-h264.m3u8\n'
    ),
    "cmaf/v1/720p-h264.m3u8": (
        b'#EXTM3U\n#EXT-X-MAP:URI="../720p-h264/init.mp4"\n#EXTINF:4.0,\n../720p-h264/0.m4s\n#EXT-X-ENDLIST\n'
    ),
    "cmaf/v1/audio-aac.m3u8": b"#EXTM3U\n#EXTINF:4.0,\n../audio-aac/0.m4s\n#EXT-X-ENDLIST\n",
    "cmaf/v1/manifest.mpd": (
        b'<MPD><SegmentTemplate initialization="../$RepresentationID$/init.mp4" '
        b'media="../$RepresentationID$/$Time$.m4s"/></MPD>'
    ),
    "cmaf/720p-h264/init.mp4": b"init",
    "cmaf/720p-h264/0.m4s": b"segment",
    "cmaf/audio-aac/0.m4s": b"sound",
}
TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
}


@pytest.fixture
async def house() -> House:
    house = House()
    house.config = replace(house.config, allowed_origins=(PAGE,))
    for name, data in OBJECTS.items():
        await house.objects.put(derived_key(VIDEO, name), data)
    return house


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(house) as client:
        yield client


def where(house: House, name: str) -> str:
    return path_of(media_url(house.config, VIDEO, name, media_expiry(house.config, datetime.now(UTC))))


def named_in(playlist: str) -> list[str]:
    quoted = [
        line.partition('URI="')[2].partition('"')[0] for line in playlist.splitlines() if "URI=" in line
    ]
    return quoted + [line for line in playlist.splitlines() if line and not line.startswith("#")]


async def test_a_player_gets_from_the_master_playlist_to_every_segment(
    house: House, client: httpx2.AsyncClient
) -> None:
    waiting, seen = [where(house, "cmaf/v1/master.m3u8")], {}
    while waiting:
        path = waiting.pop()
        answer = await client.get(path)
        assert answer.status_code == 200, path
        seen[path.partition("?")[0].partition(f"{VIDEO}/")[2]] = answer.content
        if ".m3u8" in path:
            waiting += [urljoin(path, name) for name in named_in(answer.text)]
    assert {name: seen[name] for name in seen if not name.endswith(".m3u8")} == {
        name: data for name, data in OBJECTS.items() if posixpath.splitext(name)[1] in (".m4s", ".mp4")
    }


async def test_a_manifest_leads_to_its_segments(house: House, client: httpx2.AsyncClient) -> None:
    path = where(house, "cmaf/v1/manifest.mpd")
    (template,) = ET.fromstring((await client.get(path)).text)  # noqa: S314 - our own text
    for name, data in [("initialization", b"init"), ("media", b"segment")]:
        filled = template.attrib[name].replace("$RepresentationID$", "720p-h264").replace("$Time$", "0")
        assert (await client.get(urljoin(path, filled))).content == data


@pytest.mark.parametrize("name", OBJECTS)
async def test_every_file_comes_with_its_type_and_is_kept(
    house: House, client: httpx2.AsyncClient, name: str
) -> None:
    got, told = [await client.request(method, where(house, name)) for method in ("GET", "HEAD")]
    for answer in (got, told):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == TYPES[name.rpartition(".")[2]]
        assert answer.headers["Cache-Control"].endswith(", immutable")
        assert answer.headers["Content-Length"] == str(len(got.content))
    assert told.content == b""


async def test_a_page_of_an_allowed_origin_may_play(house: House, client: httpx2.AsyncClient) -> None:
    path = where(house, "cmaf/720p-h264/0.m4s")
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "range",
    }
    before = await client.options(path, headers=asked)
    assert before.status_code == 204
    assert "Range" in before.headers["Access-Control-Allow-Headers"]
    part = await client.get(path, headers={"Origin": PAGE, "Range": "bytes=0-2"})
    for answer in (before, part):
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert (part.status_code, part.content) == (206, b"seg")
    assert "Content-Range" in part.headers["Access-Control-Expose-Headers"]


async def test_a_page_of_another_origin_may_not(house: House, client: httpx2.AsyncClient) -> None:
    answer = await client.get(
        where(house, "cmaf/v1/master.m3u8"), headers={"Origin": "https://other.example"}
    )
    assert "Access-Control-Allow-Origin" not in answer.headers
