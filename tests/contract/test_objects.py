"""The contract of Objects, for the twin, a local disk, an S3-compatible server, and encrypted in each."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from storage.encrypted_objects import EncryptedObjects
from storage.errors import ObjectMissingError
from storage.memory import MemoryObjects
from storage.objects import StoredObjects
from storage.ports import Objects
from storage.sealing import Vault

MEBIBYTE = 1 << 20
BAD_KEYS = ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a"]
ODD_KEYS = ["a\\b", "a\x00b", "a b", "a#1", "ä", "a%2fb", "a\n"]


class BrokenOffError(Exception):
    """The sender left."""


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


STORES = ["twin", "local", "s3"]


@pytest.fixture(params=[*STORES, *(f"encrypted {store}" for store in STORES)])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    encryption, _, store = request.param.rpartition(" ")
    plain = opened(store, request, tmp_path)
    return EncryptedObjects.over(plain, Vault((b"k" * 32,)), "all") if encryption else plain


def opened(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if store == "twin":
        return MemoryObjects()
    if store == "local":
        return StoredObjects.local(tmp_path / "objects")
    endpoint, bucket = request.getfixturevalue("s3_endpoint"), f"bucket-{uuid4().hex}"
    with urlopen(Request(f"{endpoint}/{bucket}", method="PUT")):  # noqa: S310 - our own server
        key_id, secret = "anybody", "anything"
        return StoredObjects.s3(
            bucket, endpoint=endpoint, access_key_id=key_id, secret_access_key=secret, region="us-east-1"
        )


async def chunks(*parts: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if broken:
        raise BrokenOffError


def fetch(url: str) -> bytes:
    with urlopen(url) as answer:  # noqa: S310 - our own server
        return bytes(answer.read())


async def read(objects: Objects, key: str, start_bytes: int = 0, end_bytes: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in objects.stream(key, start_bytes, end_bytes)])


async def test_an_object_is_given_back_whole_and_a_later_put_takes_its_place(objects: Objects) -> None:
    await objects.put("a/b.bin", b"first")
    await objects.put("a/b.bin", b"second")
    assert await objects.get("a/b.bin") == b"second"
    assert type(await objects.get("a/b.bin")) is bytes


async def test_an_object_may_be_empty(objects: Objects) -> None:
    await objects.put("a", b"")
    assert await objects.put_stream("b", chunks()) == 0
    for key in ("a", "b"):
        assert await objects.get(key) == b""
        assert await read(objects, key) == b""


async def test_a_missing_object_has_no_head_and_cannot_be_read(objects: Objects) -> None:
    await objects.put("a/b", b"x")
    for key in ("b", "a", "a/c"):
        assert await objects.head(key) is None
        with pytest.raises(ObjectMissingError):
            await objects.get(key)
        with pytest.raises(ObjectMissingError):
            await read(objects, key)


async def test_a_head_tells_size_etag_and_time(objects: Objects) -> None:
    await objects.put("a", b"12345")
    info = await objects.head("a")
    assert info is not None
    assert (info.key, info.size_bytes) == ("a", 5)
    assert info.etag.strip('"') == info.etag != ""
    assert abs(datetime.now(UTC) - info.modified_at) < timedelta(minutes=1)
    await objects.put("a", b"123456")
    changed = await objects.head("a")
    assert changed is not None
    assert changed.etag != info.etag


async def test_a_stream_of_many_parts_is_stored_whole(objects: Objects) -> None:
    parts = [bytes([n]) * (3 * MEBIBYTE) for n in range(7)] + [b"", b"end"]
    assert await objects.put_stream("a/big", chunks(*parts)) == 21 * MEBIBYTE + 3
    assert await read(objects, "a/big") == b"".join(parts)


@pytest.mark.parametrize("parts", [(), (b"x",), (b"x" * (9 * MEBIBYTE),)])
async def test_a_stream_that_breaks_off_leaves_nothing_visible(
    objects: Objects, parts: tuple[bytes, ...]
) -> None:
    await objects.put("a/old", b"old")
    for key in ("a/new", "a/old"):
        with pytest.raises(BrokenOffError):
            await objects.put_stream(key, chunks(*parts, broken=True))
    assert await objects.head("a/new") is None
    assert await objects.get("a/old") == b"old"
    assert await objects.remove_prefix("a") == 1


async def test_a_file_is_stored_whole(objects: Objects, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789" * MEBIBYTE)
    assert await objects.put_file("f", file) == 10 * MEBIBYTE
    assert await objects.get("f") == file.read_bytes()


async def test_ranges_are_half_open_and_stay_within(objects: Objects) -> None:
    await objects.put("a", b"0123456789")
    assert await read(objects, "a", 2, 5) == b"234"
    assert await read(objects, "a", 9) == b"9"
    assert await read(objects, "a", 0, 10) == b"0123456789"
    assert await read(objects, "a", 10, 10) == b""
    assert await read(objects, "a", 4, 4) == b""
    for start_bytes, end_bytes in ((0, 11), (11, None), (5, 4), (-1, 5)):
        with pytest.raises(ValueError, match="not within"):
            await read(objects, "a", start_bytes, end_bytes)


async def test_a_long_stream_comes_in_chunks_of_a_mebibyte_or_more(objects: Objects) -> None:
    await objects.put("a", bytes(5 * MEBIBYTE))
    sizes_bytes = [len(chunk) async for chunk in objects.stream("a")]
    assert min(sizes_bytes[:-1], default=MEBIBYTE) >= MEBIBYTE
    assert sum(sizes_bytes) == 5 * MEBIBYTE


async def test_a_prefix_is_removed_whole_and_its_neighbours_stay(objects: Objects) -> None:
    for key in ("v/1/a", "v/1/b/c", "v/10/a", "v/1x", "w"):
        await objects.put(key, b"x")
    assert await objects.remove_prefix("v/1") == 2
    assert await objects.remove_prefix("v/1") == 0
    left = [key for key in ("v/1/a", "v/1/b/c", "v/10/a", "v/1x", "w") if await objects.head(key)]
    assert left == ["v/10/a", "v/1x", "w"]


async def test_removing_what_is_missing_is_no_error(objects: Objects) -> None:
    await objects.put("a/b", b"x")
    await objects.remove(["a/b", "a/c", "d"])
    await objects.remove(["a/b"])
    await objects.remove([])
    assert await objects.head("a/b") is None


@pytest.mark.parametrize("key", BAD_KEYS + ODD_KEYS)
async def test_a_key_that_is_no_plain_path_is_refused(objects: Objects, key: str) -> None:
    for refused in (
        objects.put(key, b""),
        objects.put_stream(key, chunks(b"x")),
        objects.get(key),
        objects.head(key),
        objects.remove_prefix(key),
        objects.remove([key]),
        objects.presign(key, 1.0),
        read(objects, key),
    ):
        with pytest.raises(ValueError, match="not a plain"):
            await refused
    with pytest.raises(ValueError, match="not a plain"):
        objects.local_path(key)


async def test_a_path_or_a_url_reads_the_object_where_there_is_one(objects: Objects) -> None:
    await objects.put("a/b.bin", b"content")
    path, url = objects.local_path("a/b.bin"), await objects.presign("a/b.bin", 60.0)
    assert path is None or path.read_bytes() == b"content"
    if url is not None:
        assert await asyncio.to_thread(fetch, url) == b"content"


async def test_a_store_that_is_there_answers_a_ping(objects: Objects) -> None:
    await objects.ping()


NAMES = st.text("abcxyzABC019-_=.", min_size=1, max_size=12).filter(lambda name: name.strip(".") != "")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=1, max_size=3), data=st.binary(max_size=64))
async def test_any_plain_key_finds_its_object_again(objects: Objects, names: list[str], data: bytes) -> None:
    key = "/".join([uuid4().hex, *names])
    await objects.put(key, data)
    assert await objects.get(key) == data
    path = objects.local_path(key)
    assert path is None or path.read_bytes() == data
    assert await objects.remove_prefix(key.partition("/")[0]) == 1
