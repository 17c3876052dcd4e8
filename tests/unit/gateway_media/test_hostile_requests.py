"""Whatever comes in, the answer is a problem of the 4xx kind, and the server goes on."""

import json
import logging
from collections.abc import AsyncIterator

import httpx2
import pytest
from msgspec.structs import replace

from storage.identity_records import UploadQuota
from storage.memory.videos import MemoryVideos
from storage.records import NewUpload, NewVideo
from tests.unit.gateway_media.house import TUS, House, create, head_of, metadata, raw_request, running


@pytest.mark.parametrize(
    "path", ["/", "//", "/uploads/", "/uploads/a/b", "/media", "/media//x", "/%00", "/%ff"]
)
async def test_unknown_paths_are_not_found(client: httpx2.AsyncClient, house: House, path: str) -> None:
    raw = await raw_request(house.port, head_of("GET", path))
    assert raw.startswith((b"HTTP/1.1 404", b"HTTP/1.1 405", b"HTTP/1.1 403"))
    assert b"application/problem+json" in raw


async def test_a_wrong_method_names_the_right_ones(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/uploads")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


async def test_an_invented_method_is_refused(client: httpx2.AsyncClient, house: House) -> None:
    assert (await raw_request(house.port, head_of("BREW", "/uploads"))).startswith(b"HTTP/1.1 405")


async def test_huge_headers_are_refused(client: httpx2.AsyncClient, house: House) -> None:
    raw = await raw_request(house.port, head_of("GET", "/health", {"X-Big": "a" * 600_000}))
    assert raw == b"" or raw.startswith(b"HTTP/1.1 431")
    assert (await client.get("/health")).status_code == 200


async def test_long_metadata_is_refused(client: httpx2.AsyncClient) -> None:
    headers = {**TUS, "Upload-Length": "1", "Upload-Metadata": metadata(filename="a" * 9000)}
    answer = await client.post("/uploads", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


async def test_a_request_id_is_kept_or_made(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/health", headers={"X-Request-Id": "mine-1.a_b"})
    assert kept.headers["X-Request-Id"] == "mine-1.a_b"
    for bad in ("a" * 129, "a b", "a\u00e9", ""):
        made = await client.get("/health", headers={"X-Request-Id": bad.encode()})
        assert made.headers["X-Request-Id"] != bad


async def test_a_refused_body_is_read_so_that_its_client_hears_why(client: httpx2.AsyncClient) -> None:
    path = await create(client, 10)
    answer = await client.post(path, content=b"x" * 5_000_000)
    assert answer.status_code == 405


class _Broken(MemoryVideos):
    """A repository with a mistake in it."""

    async def create(self, video: NewVideo, upload: NewUpload, quota: UploadQuota | None = None) -> None:
        raise KeyError("a secret of ours")


async def test_our_own_mistake_tells_nothing_of_our_insides(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.storage.videos = _Broken(house.storage.videos.state)
    async with running(house) as client:
        answer = await client.post("/uploads", headers={**TUS, "Upload-Length": "1"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "a secret of ours" in caplog.text


async def test_the_log_line_has_no_permission_in_it(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "truthtok.journal")
    path = await create(client, 1)
    lines = [r.getMessage() for r in caplog.records if r.name == "truthtok.journal"]
    line = json.loads(lines[-1])
    assert (line["route"], line["status"], line["method"]) == ("/uploads", 201, "POST")
    token = path.rpartition("/")[2]
    assert line["notes"]["upload_id"] == token.partition(".")[0]
    assert token.partition(".")[2] not in " ".join(lines)


@pytest.fixture
async def browsed(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    house.config = replace(house.config, allowed_origins=("https://app.example",))
    async with running(house) as client:
        yield client


async def test_an_allowed_origin_may_read(browsed: httpx2.AsyncClient) -> None:
    answer = await browsed.get("/health", headers={"Origin": "https://app.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert answer.headers["Vary"] == "Origin"
    assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]


async def test_another_origin_may_not(browsed: httpx2.AsyncClient) -> None:
    answer = await browsed.get("/health", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_preflight_allows_what_tus_needs(browsed: httpx2.AsyncClient) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}
    answer = await browsed.options("/uploads/x", headers=asked)
    assert answer.status_code == 204
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Upload-Offset" in answer.headers["Access-Control-Allow-Headers"]


async def test_any_origin_may_read_when_all_are_allowed(house: House) -> None:
    house.config = replace(house.config, allowed_origins=("*",))
    async with running(house) as client:
        assert (await client.get("/health")).headers["Access-Control-Allow-Origin"] == "*"
