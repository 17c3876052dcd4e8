import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from msgspec.structs import replace

from gateway.signing import media_expiry, media_url
from storage.keys import derived_key, segment_key
from storage.memory.objects import MemoryObjects
from storage.records import ObjectInfo
from tests.unit.gateway_media.house import House, head_of, path_of, raw_request, running

VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
OTHER = UUID("0199c8a2-0000-7000-8000-000000000002")
DATA = os.urandom(5000)


class DiskObjects(MemoryObjects):
    """Objects that also lie on this machine's disk."""

    root: Path

    async def put(self, key: str, data: bytes) -> None:
        await super().put(key, data)
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def local_path(self, key: str) -> Path:
        return self.root / key


class Presigning(MemoryObjects):
    """Objects that can be read elsewhere."""

    async def presign(self, key: str, seconds: float) -> str:
        assert seconds > 0
        return f"https://bucket.example/{key}?presigned"


@pytest.fixture(params=["disk", "stream"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    house = House(objects=DiskObjects() if request.param == "disk" else MemoryObjects())
    if request.param == "disk":
        type(house.objects).root = tmp_path
    await house.objects.put(derived_key(VIDEO, "original.mp4"), DATA)
    await house.objects.put(derived_key(VIDEO, "empty.bin"), b"")
    return house


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(house) as client:
        yield client


def _path(house: House, name: str, video_id: UUID = VIDEO, at: datetime | None = None) -> str:
    expires_at = media_expiry(house.config, at or datetime.now(UTC))
    return path_of(media_url(house.config, video_id, name, expires_at))


async def test_a_signed_url_brings_the_object(house: House, client: httpx2.AsyncClient) -> None:
    answer = await client.get(_path(house, "original.mp4"))
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "immutable" in answer.headers["Cache-Control"]


async def test_head_says_the_same_without_a_body(house: House, client: httpx2.AsyncClient) -> None:
    path = _path(house, "original.mp4")
    changing = {"date", "x-request-id", "cache-control"}
    told, got = [await client.request(method, path) for method in ("HEAD", "GET")]
    assert told.content == b""
    assert {k: v for k, v in told.headers.items() if k not in changing} == {
        k: v for k, v in got.headers.items() if k not in changing
    }


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-", 10, 5000), ("bytes=-7", 4993, 5000), ("bytes=4990-9999", 4990, 5000)],
)
async def test_a_range_is_served(
    house: House, client: httpx2.AsyncClient, asked: str, begin: int, end: int
) -> None:
    answer = await client.get(_path(house, "original.mp4"), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, DATA[begin:end])
    assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/5000"


@pytest.mark.parametrize("asked", ["bytes=5000-", "bytes=-0", "bytes=9999-10000"])
async def test_a_range_outside_is_416(house: House, client: httpx2.AsyncClient, asked: str) -> None:
    answer = await client.get(_path(house, "original.mp4"), headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */5000")
    assert answer.json()["code"] == "range_not_satisfiable"


@pytest.mark.parametrize("asked", ["bytes=0-1,3-4", "lines=1-2", "bytes=5-1", "bytes=x"])
async def test_other_ranges_bring_the_whole(house: House, client: httpx2.AsyncClient, asked: str) -> None:
    answer = await client.get(_path(house, "original.mp4"), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)


async def test_an_empty_object_is_served(house: House, client: httpx2.AsyncClient) -> None:
    answer = await client.get(_path(house, "empty.bin"))
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "0")


async def test_a_copy_that_is_still_good_is_not_sent_again(house: House, client: httpx2.AsyncClient) -> None:
    path = _path(house, "original.mp4")
    first = await client.get(path)
    etag, moment = first.headers["ETag"], first.headers["Last-Modified"]
    for known in ({"If-None-Match": etag}, {"If-Modified-Since": moment}):
        answer = await client.get(path, headers=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_a_range_of_another_version_brings_the_whole(house: House, client: httpx2.AsyncClient) -> None:
    path = _path(house, "original.mp4")
    etag = (await client.head(path)).headers["ETag"]
    asked = {"Range": "bytes=0-0"}
    assert (await client.get(path, headers={**asked, "If-Range": etag})).status_code == 206
    assert (await client.get(path, headers={**asked, "If-Range": '"old"'})).status_code == 200


async def test_a_url_opens_every_object_of_its_video(house: House, client: httpx2.AsyncClient) -> None:
    path = _path(house, "anything").replace("anything", "original.mp4")
    assert (await client.get(path)).status_code == 200


async def test_a_url_opens_no_other_video(house: House, client: httpx2.AsyncClient) -> None:
    path = _path(house, "original.mp4", OTHER).replace(str(OTHER), str(VIDEO))
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")


@pytest.mark.parametrize("query", ["", "?expires=2000000000", "?expires=x&signature=y", "?" + "a=1&" * 50])
async def test_a_url_without_a_true_signature_is_refused(
    house: House, client: httpx2.AsyncClient, query: str
) -> None:
    answer = await client.get(f"/media/{VIDEO}/original.mp4{query}")
    assert answer.status_code in (400, 403)


async def test_an_expired_url_says_so(house: House, client: httpx2.AsyncClient) -> None:
    path = _path(house, "original.mp4", at=datetime.now(UTC) - timedelta(days=1))
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (410, "url_expired")


@pytest.mark.parametrize(
    "name",
    [
        "../../staging/x",
        "..%2F..%2Fstaging%2Fx",
        "%2e%2e/%2e%2e/staging/x",
        "hls/../../original.mp4",
        "//etc/passwd",
        "a%00.mp4",
        "..%5C..%5Cstaging",
        "a%0d%0ab",
        "%ff",
        ".",
        "original.mp4/",
        "original.mp4%23",
    ],
)
async def test_names_with_tricks_find_nothing(house: House, client: httpx2.AsyncClient, name: str) -> None:
    upload_id = UUID(int=7)
    await house.objects.put(segment_key(upload_id, 0, "n"), b"secret")
    path = _path(house, "NAME").replace("NAME", name)
    raw = await raw_request(house.port, head_of("GET", path))
    assert raw.startswith((b"HTTP/1.1 404", b"HTTP/1.1 403"))
    assert b"secret" not in raw


async def test_a_missing_object_is_not_found(house: House, client: httpx2.AsyncClient) -> None:
    assert (await client.get(_path(house, "none.mp4"))).status_code == 404


async def test_a_download_gets_a_safe_file_name(house: House, client: httpx2.AsyncClient) -> None:
    answer = await client.get(_path(house, "original.mp4") + "&download=1")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{VIDEO}-original.mp4"'
    shown = await client.get(_path(house, "original.mp4"))
    assert shown.headers["Content-Disposition"].startswith("inline")


async def test_storyboards_carry_the_signature_on(house: House, client: httpx2.AsyncClient) -> None:
    await house.objects.put(
        derived_key(VIDEO, "board.vtt"), b"WEBVTT\n\n00:00.000 --> 00:01.000\nb.jpg#xywh=0,0,1,1\n"
    )
    await house.objects.put(derived_key(VIDEO, "b.jpg"), b"jpeg")
    page = (await client.get(_path(house, "board.vtt"))).text
    reference = page.splitlines()[3].partition("#")[0]
    assert (await client.get(f"/media/{VIDEO}/{reference}")).content == b"jpeg"


async def test_storage_that_presigns_is_where_clients_are_sent() -> None:
    house = House(objects=Presigning())
    await house.objects.put(derived_key(VIDEO, "original.mp4"), DATA)
    async with running(house) as client:
        path = _path(house, "original.mp4")
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (
            307,
            f"https://bucket.example/videos/{VIDEO}/original.mp4?presigned",
        )
        assert (await client.head(path)).status_code == 200


async def test_a_redirect_may_be_switched_off() -> None:
    house = House(objects=Presigning())
    house.config = replace(house.config, redirect_to_storage=False)
    await house.objects.put(derived_key(VIDEO, "original.mp4"), DATA)
    async with running(house) as client:
        assert (await client.get(_path(house, "original.mp4"))).content == DATA


class _Counting(MemoryObjects):
    """Remote storage that counts how often it is asked for a head."""

    asked: list[str]

    async def head(self, key: str) -> ObjectInfo | None:
        self.asked.append(key)
        return await super().head(key)


async def test_what_remote_storage_said_is_remembered() -> None:
    house = House(objects=_Counting())
    type(house.objects).asked = []
    await house.objects.put(derived_key(VIDEO, "original.mp4"), DATA)
    async with running(house) as client:
        for _ in range(3):
            assert (await client.get(_path(house, "original.mp4"))).status_code == 200
    assert len(house.objects.asked) == 1


async def test_a_cache_keeps_an_object_no_longer_than_its_url(
    house: House, client: httpx2.AsyncClient
) -> None:
    answer = await client.get(_path(house, "original.mp4"))
    seconds = int(answer.headers["Cache-Control"].split("max-age=")[1].partition(",")[0])
    assert 0 < seconds <= media_expiry(house.config, datetime.now(UTC)) - int(time.time()) + 1
