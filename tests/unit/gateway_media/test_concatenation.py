from collections.abc import Sequence
from uuid import UUID

import httpx2
import pytest

from storage.errors import UploadClosedError
from storage.memory.uploads import MemoryUploads
from storage.records import NewUpload, Upload
from subjects.codec import Envelope
from tests.unit.gateway_media.house import PIECE, TUS, House, create, metadata, patch, path_of, running

FIRST, SECOND = b"a" * 1500, b"b" * 700


async def _part(client: httpx2.AsyncClient, data: bytes) -> str:
    path = await create(client, len(data), **{"Upload-Concat": "partial"})
    assert (await patch(client, path, 0, data)).status_code == 204
    return path


async def _join(client: httpx2.AsyncClient, *paths: str, **headers: str) -> httpx2.Response:
    return await client.post(
        "/uploads", headers={**TUS, "Upload-Concat": f"final;{' '.join(paths)}", **headers}
    )


async def test_parts_become_one_upload(house: House, client: httpx2.AsyncClient) -> None:
    parts = [await _part(client, FIRST), "http://elsewhere" + await _part(client, SECOND)]
    answer = await _join(client, *parts, **{"Upload-Metadata": metadata(title="Sea")})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "2200")
    path = path_of(answer.headers["Location"])
    assert await house.bytes_of(path) == FIRST + SECOND
    [news] = await house.news()
    assert (news.size_bytes, house.kicks) == (2200, 1)
    assert (await house.storage.videos.load(news.video_id)).title == "Sea"


async def test_a_part_alone_is_no_video(house: House, client: httpx2.AsyncClient) -> None:
    path = await _part(client, FIRST)
    assert (await house.upload(path)).video_id is None
    assert (await client.head(path, headers=TUS)).headers["Upload-Concat"] == "partial"
    assert not await house.news()


async def test_a_joined_upload_says_what_it_was_made_of(client: httpx2.AsyncClient) -> None:
    parts = [await _part(client, FIRST), await _part(client, SECOND)]
    path = path_of((await _join(client, *parts)).headers["Location"])
    told = (await client.head(path, headers=TUS)).headers["Upload-Concat"]
    assert told == "final;" + " ".join(f"http://media{part}" for part in parts)


async def test_a_joined_upload_takes_no_bytes(client: httpx2.AsyncClient) -> None:
    path = path_of((await _join(client, await _part(client, FIRST))).headers["Location"])
    assert (await patch(client, path, 1500, b"x")).status_code == 403


async def test_a_part_serves_once(client: httpx2.AsyncClient) -> None:
    part = await _part(client, FIRST)
    assert (await _join(client, part)).status_code == 201
    assert (await _join(client, part)).status_code == 409


async def test_an_unfinished_part_is_refused(house: House, client: httpx2.AsyncClient) -> None:
    part = await create(client, 10, **{"Upload-Concat": "partial"})
    assert (await _join(client, part)).status_code == 409
    assert not await house.news()


async def test_no_placeholder_is_left_open(house: House, client: httpx2.AsyncClient) -> None:
    await _join(client, await _part(client, FIRST))
    uploads: list[Upload] = list(house.storage.uploads.state.uploads.values())
    assert [one.state for one in uploads if one.state == "open"] == []


@pytest.mark.parametrize("urls", ["", "/uploads/x", "/uploads/forged.aaaaaaaaaaaaaaaaaaaaaaaa", "%00"])
async def test_parts_that_are_no_uploads_are_refused(client: httpx2.AsyncClient, urls: str) -> None:
    assert (await _join(client, urls)).status_code == 400


async def test_a_part_named_twice_is_refused(client: httpx2.AsyncClient) -> None:
    part = await _part(client, FIRST)
    assert (await _join(client, part, part)).status_code == 400


async def test_a_joined_upload_brings_neither_length_nor_bytes(client: httpx2.AsyncClient) -> None:
    part = await _part(client, FIRST)
    assert (await _join(client, part, **{"Upload-Length": "1500"})).status_code == 400
    headers = {**PIECE, "Upload-Concat": f"final;{part}"}
    assert (await client.post("/uploads", headers=headers, content=b"x")).status_code == 400


async def test_another_kind_of_concatenation_is_refused(client: httpx2.AsyncClient) -> None:
    headers = {**TUS, "Upload-Concat": "middle", "Upload-Length": "1"}
    assert (await client.post("/uploads", headers=headers)).status_code == 400


class _Overtaken(MemoryUploads):
    """Uploads whose parts were used by another request in between."""

    async def concatenate(self, final: NewUpload, partials: Sequence[UUID], announce: Envelope) -> Upload:
        raise UploadClosedError(partials[0], "terminated")


async def test_a_join_that_fails_leaves_no_waiting_video() -> None:
    house = House()
    house.storage.uploads = _Overtaken(house.storage.uploads.state)
    async with running(house) as client:
        assert (await _join(client, await _part(client, FIRST))).status_code == 410
    (video,) = house.storage.videos.state.videos.values()
    assert (await house.storage.videos.load(video.id)).status == "rejected"


async def test_a_complete_part_that_is_given_up_is_told_what_becomes_of_it(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.delete(await _part(client, FIRST), headers=TUS)
    assert answer.status_code == 409
    assert "video" not in answer.json()["detail"]
    assert "runs out" in answer.json()["detail"]
