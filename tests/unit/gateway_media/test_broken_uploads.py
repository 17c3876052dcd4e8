"""What is left of an upload when its client, its storage or its process breaks off."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx2
import pytest
from msgspec.structs import replace

from gateway.media.exchange import Body
from gateway.media.intake import SEGMENTS_MAX
from storage.errors import StorageUnavailableError
from storage.identity_records import UploadQuota
from storage.keys import segment_key
from storage.memory.objects import MemoryObjects
from storage.memory.uploads import MemoryUploads
from storage.records import Segment, Upload, Video
from tests.unit.gateway_media.house import (
    PIECE,
    TUS,
    House,
    create,
    head_of,
    offset_of,
    patch,
    raw_request,
    running,
    until,
)

DATA = bytes(range(256)) * 20


async def _abort(house: House, path: str, sent: bytes, **headers: str) -> None:
    """Promise all of DATA, send a part of it, and hang up once it has arrived."""
    head = head_of(
        "PATCH", path, {**PIECE, "Upload-Offset": "0", "Content-Length": str(len(DATA)), **headers}
    )
    await raw_request(house.port, head, sent, hang_up=True)


async def test_what_arrived_before_an_abort_is_kept(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    await _abort(house, path, DATA[:1700])

    async def has_arrived() -> bool:
        return await offset_of(client, path) == 1700

    await until(has_arrived)
    assert (await patch(client, path, 1700, DATA[1700:])).status_code == 204
    assert await house.bytes_of(path) == DATA
    assert len(await house.news()) == 1


class _Watched(MemoryObjects):
    """Storage that says when something is taken back."""

    taken_back = asyncio.Event()

    async def remove(self, keys: Sequence[str]) -> None:
        await super().remove(keys)
        self.taken_back.set()


async def test_an_abort_under_a_checksum_keeps_nothing() -> None:
    house = House(objects=_Watched())
    async with running(house) as client:
        path = await create(client, len(DATA))
        digest = b64encode(sha256(DATA).digest()).decode()
        await _abort(house, path, DATA[:1700], **{"Upload-Checksum": f"sha256 {digest}"})
        async with asyncio.timeout(10.0):
            await house.objects.taken_back.wait()
        assert await offset_of(client, path) == 0
        assert not house.objects.objects


async def test_an_aborted_chunked_body_is_kept_too(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    head = head_of("PATCH", path, {**PIECE, "Upload-Offset": "0", "Transfer-Encoding": "chunked"})
    await raw_request(house.port, head, b"4b0\r\n" + DATA[:1200] + b"\r\n", hang_up=True)

    async def has_arrived() -> bool:
        return await offset_of(client, path) == 1200

    await until(has_arrived)


async def test_a_client_that_falls_silent_is_given_up() -> None:
    body = Body(_silent(), 10, idle_seconds=0.01)
    assert [chunk async for chunk in body.chunks()] == [b"abc"]
    assert body.stalled
    assert not body.is_whole


async def _silent() -> Any:
    yield b"abc"
    await asyncio.Event().wait()


async def test_of_two_writers_at_one_offset_one_wins(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    answers = await asyncio.gather(*(patch(client, path, 0, DATA) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409, 409]
    assert await house.bytes_of(path) == DATA
    assert len(await house.news()) == 1


class _Failing(MemoryObjects):
    """Storage that goes away after a few segments."""

    async def put(self, key: str, data: bytes) -> None:
        if len(self.objects) == 2:
            raise StorageUnavailableError("the disk is gone")
        await super().put(key, data)


async def test_an_outage_of_storage_is_a_503_and_keeps_what_was_durable() -> None:
    house = House(objects=_Failing())
    async with running(house) as client:
        path = await create(client, len(DATA))
        answer = await patch(client, path, 0, DATA)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert await offset_of(client, path) == 2000


class _Forgetful(MemoryUploads):
    """Uploads whose first answer to a write gets lost, so that the adapter repeats it."""

    async def append(self, *args: Any) -> Upload:
        await super().append(*args)
        return await super().append(*args)


async def test_a_commit_whose_answer_was_lost_is_not_an_error() -> None:
    house = House()
    house.storage.uploads = _Forgetful(house.storage.uploads.state)
    async with running(house) as client:
        path = await create(client, len(DATA))
        assert (await patch(client, path, 0, DATA)).status_code == 204
        assert await house.bytes_of(path) == DATA
        assert (len(await house.news()), house.kicks) == (1, 1)


async def test_an_expired_upload_is_gone(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 10)
    upload = await house.upload(path)
    house.storage.uploads.state.uploads[upload.id] = replace(upload, expires_at=upload.created_at)
    assert (await client.head(path, headers=TUS)).status_code == 410
    assert (await patch(client, path, 0, b"x")).status_code == 410


async def test_every_piece_moves_the_expiry(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 10)
    before = (await house.upload(path)).expires_at
    await patch(client, path, 0, b"x")
    assert (await house.upload(path)).expires_at > before


async def test_an_upload_in_too_many_pieces_is_refused(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, SEGMENTS_MAX + 1)
    upload = await house.upload(path)
    tiny = [Segment(key=segment_key(upload.id, at, "n"), size_bytes=1) for at in range(SEGMENTS_MAX)]
    await house.storage.uploads.append(upload.id, 0, tiny, None, upload.expires_at)
    answer = await patch(client, path, SEGMENTS_MAX, b"x")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_too_many_uploads_at_once_are_asked_to_wait(house: House) -> None:
    house.config = replace(house.config, segment_bytes=300 * 1024**2)
    async with running(house) as client:
        answer = await client.post("/uploads", headers={**TUS, "Upload-Length": str(1024**3)})
        path = answer.headers["Location"].removeprefix("http://media")
        headers = {**PIECE, "Upload-Offset": "0", "Content-Length": str(1024**3), "Expect": "100-continue"}
        raw = await raw_request(house.port, head_of("PATCH", path, headers))
        assert b" 503 " in raw
        assert b"overloaded" in raw
        assert b"retry-after: " in raw.lower()


async def _post(client: httpx2.AsyncClient, data: Any, **headers: str) -> httpx2.Response:
    return await client.post("/uploads", headers={**PIECE, **headers}, content=data)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": str(len(DATA)), "Upload-Checksum": "crc9 AAAA"}, 400),
        ({"Upload-Length": "100"}, 413),
    ],
)
async def test_a_creation_that_is_refused_writes_nothing(
    house: House, client: httpx2.AsyncClient, headers: dict[str, str], status: int
) -> None:
    assert (await _post(client, DATA, **headers)).status_code == status
    assert not house.storage.videos.state.videos


async def test_a_creation_without_room_writes_nothing(house: House) -> None:
    house.config = replace(house.config, segment_bytes=300 * 1024**2)
    async with running(house):
        headers = {**PIECE, "Upload-Length": str(1024**3), "Content-Length": str(1024**3)}
        raw = await raw_request(
            house.port, head_of("POST", "/uploads", {**headers, "Expect": "100-continue"})
        )
        assert b" 503 " in raw
    assert not house.storage.videos.state.videos


async def _only_video(house: House) -> Video:
    (video,) = house.storage.videos.state.videos.values()
    return await house.storage.videos.load(video.id)


async def test_a_creation_whose_bytes_are_refused_leaves_no_waiting_video(
    house: House, client: httpx2.AsyncClient
) -> None:
    digest = b64encode(sha256(b"other").digest()).decode()
    headers = {"Upload-Length": str(len(DATA)), "Upload-Checksum": f"sha256 {digest}"}
    assert (await _post(client, DATA, **headers)).status_code == 460
    video = await _only_video(house)
    assert video.rejection
    assert (video.status, video.rejection.code) == ("rejected", "upload_cancelled")


async def test_a_creation_with_a_chunked_surplus_leaves_no_waiting_video(
    house: House, client: httpx2.AsyncClient
) -> None:
    assert (await _post(client, _pieces(DATA), **{"Upload-Length": "100"})).status_code == 413
    assert (await _only_video(house)).status == "rejected"


async def test_a_creation_that_storage_fails_leaves_no_waiting_video() -> None:
    house = House(objects=_Failing())
    async with running(house) as client:
        assert (await _post(client, DATA, **{"Upload-Length": str(len(DATA))})).status_code == 503
    assert (await _only_video(house)).status == "rejected"


class _Swept(MemoryObjects):
    """Storage whose uploads are closed and swept while their second segment is on its way."""

    uploads: list[MemoryUploads] = []  # noqa: RUF012 - filled by the test

    async def put(self, key: str, data: bytes) -> None:
        if len(self.objects) == 1:
            await self._sweep()
        await super().put(key, data)

    async def _sweep(self) -> None:
        uploads = self.uploads.pop()
        for upload_id in list(uploads.state.uploads):
            await uploads.terminate(upload_id)
            await uploads.swept([upload_id])
        self.objects.clear()


@pytest.mark.parametrize("checked", [False, True])
async def test_what_comes_for_an_upload_that_was_swept_is_taken_back(*, checked: bool) -> None:
    house = House(objects=_Swept())
    house.objects.uploads.append(house.storage.uploads)
    digest = b64encode(sha256(DATA[:1500]).digest()).decode()
    headers = {"Upload-Checksum": f"sha256 {digest}"} if checked else {}
    async with running(house) as client:
        answer = await patch(client, await create(client, len(DATA)), 0, DATA[:1500], **headers)
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_closed")
    assert not house.objects.objects


async def test_a_surplus_under_a_checksum_leaves_nothing(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 2500)
    digest = b64encode(sha256(DATA).digest()).decode()
    answer = await patch(client, path, 0, _pieces(DATA), **{"Upload-Checksum": f"sha256 {digest}"})
    assert answer.status_code == 413
    assert not house.objects.objects


class _Raced(MemoryUploads):
    """Uploads of which another request says the length a moment before."""

    async def append(self, upload_id: UUID, *args: Any) -> Upload:
        await self.declare_length(upload_id, 500)
        return await super().append(upload_id, *args)


async def test_bytes_beyond_a_length_that_was_said_meanwhile_are_refused() -> None:
    house = House()
    house.storage.uploads = _Raced(house.storage.uploads.state)
    async with running(house) as client:
        answer = await patch(client, await create(client, None), 0, DATA)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not house.objects.objects


class _Filled(MemoryUploads):
    """Uploads to which another request brings bytes a moment before their length is said."""

    async def declare_length(
        self, upload_id: UUID, length_bytes: int, quota: UploadQuota | None = None
    ) -> Upload:
        upload = self.state.uploads[upload_id]
        await self.append(upload_id, 0, [Segment(key="k", size_bytes=99)], None, upload.expires_at)
        return await super().declare_length(upload_id, length_bytes, quota)


async def test_a_length_below_what_came_meanwhile_is_a_conflict() -> None:
    house = House()
    house.storage.uploads = _Filled(house.storage.uploads.state)
    async with running(house) as client:
        path = await create(client, None)
        answer = await patch(client, path, 0, b"x", **{"Upload-Length": "1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
