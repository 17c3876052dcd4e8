from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import md5, sha1, sha256
from itertools import pairwise

import httpx2
import pytest

from storage.records import LOCAL_USER_ID
from subjects.message import Priority
from tests.unit.gateway_media.house import (
    PIECE,
    SEGMENT_BYTES,
    TUS,
    House,
    create,
    metadata,
    offset_of,
    patch,
)

DATA = bytes(range(256)) * 20


async def _pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def _digest(name: str, data: bytes) -> str:
    digest = {"sha1": sha1, "sha256": sha256, "md5": md5}[name](data).digest()
    return f"{name} {b64encode(digest).decode()}"


async def test_options_says_what_the_server_can(client: httpx2.AsyncClient) -> None:
    answer = await client.options("/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert "concatenation" in answer.headers["Tus-Extension"]
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1,md5"
    assert int(answer.headers["Tus-Max-Size"]) > 0


async def test_a_new_upload_is_the_intent_of_a_video(house: House, client: httpx2.AsyncClient) -> None:
    told = metadata(filename="C:\\clips\\sea.mp4", filetype="video/mp4")
    path = await create(client, 10, **{"Upload-Metadata": told})
    upload = await house.upload(path)
    assert upload.video_id
    video = await house.storage.videos.load(upload.video_id)
    assert (video.title, video.user_id, upload.filename) == ("sea", LOCAL_USER_ID, "sea.mp4")


async def test_an_upload_in_one_piece_is_announced_once(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    answer = await patch(client, path, 0, DATA)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(DATA)))
    [news] = await house.news()
    assert (news.size_bytes, house.kicks) == (len(DATA), 1)
    assert b"".join([await house.objects.get(key) for key in news.segment_keys]) == DATA


async def test_pieces_of_any_size_are_put_together(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    for begin, end in pairwise((0, 1, 999, 1000, 2500, len(DATA))):
        assert (await patch(client, path, begin, _pieces(DATA[begin:end], 333))).status_code == 204
    assert await house.bytes_of(path) == DATA


async def test_segments_have_the_configured_size(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    await patch(client, path, 0, DATA)
    sizes = [segment.size_bytes for segment in (await house.upload(path)).segments]
    assert sizes == [SEGMENT_BYTES] * 5 + [120]


async def test_bytes_may_come_with_the_creation(house: House, client: httpx2.AsyncClient) -> None:
    headers = {**PIECE, "Upload-Length": str(len(DATA))}
    answer = await client.post("/uploads", headers=headers, content=DATA)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(DATA)))
    assert len(await house.news()) == 1


async def test_an_empty_upload_is_complete_at_once(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 0)
    assert (await house.upload(path)).state == "complete"
    assert [news.size_bytes for news in await house.news()] == [0]


async def test_the_length_may_come_later(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, None)
    assert (await client.head(path, headers=TUS)).headers["Upload-Defer-Length"] == "1"
    assert (await patch(client, path, 0, DATA[:1500])).status_code == 204
    answer = await patch(client, path, 1500, DATA[1500:], **{"Upload-Length": str(len(DATA))})
    assert answer.headers["Upload-Offset"] == str(len(DATA))
    assert len(await house.news()) == 1


async def test_a_length_said_after_the_last_byte_completes(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, None)
    await patch(client, path, 0, DATA)
    assert (await patch(client, path, len(DATA), b"", **{"Upload-Length": str(len(DATA))})).status_code == 204
    assert (await house.upload(path)).state == "complete"


async def test_a_length_is_said_once(client: httpx2.AsyncClient) -> None:
    path = await create(client, 10)
    assert (await patch(client, path, 0, b"x", **{"Upload-Length": "11"})).status_code == 400


async def test_head_tells_where_to_go_on(client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA), **{"Upload-Metadata": metadata(filename="a.mp4")})
    await patch(client, path, 0, DATA[:1200])
    answer = await client.head(path, headers=TUS)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, "1200")
    assert answer.headers["Upload-Length"] == str(len(DATA))
    assert answer.headers["Cache-Control"] == "no-store"
    assert "GMT" in answer.headers["Upload-Expires"]
    assert metadata(filename="a.mp4") in answer.headers["Upload-Metadata"]


@pytest.mark.parametrize("name", ["sha1", "sha256", "md5"])
async def test_a_fitting_checksum_is_taken(house: House, client: httpx2.AsyncClient, name: str) -> None:
    path = await create(client, len(DATA))
    assert (await patch(client, path, 0, DATA, **{"Upload-Checksum": _digest(name, DATA)})).status_code == 204
    assert await house.bytes_of(path) == DATA


async def test_a_wrong_checksum_leaves_nothing(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    answer = await patch(client, path, 0, DATA, **{"Upload-Checksum": _digest("sha1", b"other")})
    assert (answer.status_code, answer.json()["code"]) == (460, "checksum_mismatch")
    assert await offset_of(client, path) == 0
    assert not house.objects.objects


@pytest.mark.parametrize("header", ["crc9 AAAA", "sha1 !!!!", "sha1 AAAA", "sha1", ""])
async def test_a_checksum_that_cannot_be_read_is_refused(client: httpx2.AsyncClient, header: str) -> None:
    path = await create(client, len(DATA))
    assert (await patch(client, path, 0, DATA, **{"Upload-Checksum": header})).status_code == 400


async def test_another_version_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/uploads", headers={"Tus-Resumable": "0.2.2", "Upload-Length": "1"})
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert answer.headers["Tus-Resumable"] == "1.0.0"


async def test_another_content_type_is_refused(client: httpx2.AsyncClient) -> None:
    path = await create(client, 10)
    answer = await patch(client, path, 0, b"x", **{"Content-Type": "video/mp4"})
    assert answer.status_code == 415


async def test_a_wrong_offset_is_a_conflict(client: httpx2.AsyncClient) -> None:
    path = await create(client, len(DATA))
    answer = await patch(client, path, 5, DATA[5:])
    assert (answer.status_code, answer.json()["code"]) == (409, "offset_conflict")


@pytest.mark.parametrize("offset", ["", "-1", "1.0", "0x1", "9" * 40, "\u0663"])
async def test_an_offset_that_is_no_number_is_refused(client: httpx2.AsyncClient, offset: str) -> None:
    path = await create(client, 10)
    headers = {**PIECE, "Upload-Offset": offset.encode()}
    assert (await client.patch(path, headers=headers, content=b"x")).status_code == 400


async def test_more_bytes_than_the_length_are_refused(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 1500)
    assert (await patch(client, path, 0, DATA)).status_code == 413
    assert await offset_of(client, path) == 0


async def test_a_chunked_surplus_completes_nothing(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 2000)
    assert (await patch(client, path, 0, _pieces(DATA[:2001], 100))).status_code == 413
    assert await offset_of(client, path) == 1000
    assert not await house.news()


async def test_an_upload_that_is_too_large_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/uploads", headers={**TUS, "Upload-Length": str(5 * 1024**3)})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("headers", [{}, {"Upload-Defer-Length": "2"}, {"Upload-Length": "-1"}])
async def test_a_creation_without_a_length_is_refused(
    client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.post("/uploads", headers={**TUS, **headers})).status_code == 400


async def test_a_picture_is_refused(client: httpx2.AsyncClient) -> None:
    headers = {**TUS, "Upload-Length": "1", "Upload-Metadata": metadata(filetype="image/png")}
    assert (await client.post("/uploads", headers=headers)).status_code == 415


async def test_a_terminated_upload_is_gone(client: httpx2.AsyncClient) -> None:
    path = await create(client, 10)
    assert (await client.delete(path, headers=TUS)).status_code == 204
    assert (await client.head(path, headers=TUS)).status_code == 410
    assert (await patch(client, path, 0, b"x")).status_code == 410
    assert (await client.delete(path, headers=TUS)).status_code == 410


async def test_a_complete_upload_is_not_given_up(client: httpx2.AsyncClient) -> None:
    path = await create(client, 0)
    assert (await client.delete(path, headers=TUS)).status_code == 409


async def test_a_complete_upload_takes_no_more(client: httpx2.AsyncClient) -> None:
    path = await create(client, 1)
    await patch(client, path, 0, b"x")
    assert (await patch(client, path, 1, b"x")).status_code == 403
    assert (await patch(client, path, 1, b"")).status_code == 204


async def test_methods_may_be_named_by_a_header(house: House, client: httpx2.AsyncClient) -> None:
    path = await create(client, 3)
    headers = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert (await client.post(path, headers=headers, content=b"abc")).status_code == 204
    assert await house.bytes_of(path) == b"abc"


async def test_a_large_upload_may_take_its_time(house: House, client: httpx2.AsyncClient) -> None:
    small, large = await create(client, 64 * 1024**2), await create(client, 64 * 1024**2 + 1)
    assert (await house.upload(small)).priority == Priority.NORMAL
    assert (await house.upload(large)).priority == Priority.LOW


async def test_an_unknown_upload_is_not_found(client: httpx2.AsyncClient) -> None:
    path = await create(client, 3)
    assert (await client.head(path[:-1], headers=TUS)).status_code == 404
    assert (await client.head("/uploads/x", headers=TUS)).status_code == 404
