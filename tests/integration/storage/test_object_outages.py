"""Object storage that is not there, and writers that are cut off."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.errors import StorageUnavailableError
from storage.objects import StoredObjects


@pytest.fixture
def absent() -> StoredObjects:
    key_id, secret = "anybody", "anything"
    return StoredObjects.s3(
        "bucket",
        endpoint="http://127.0.0.1:9",
        access_key_id=key_id,
        secret_access_key=secret,
        region="us-east-1",
    )


def left_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


async def one_chunk() -> AsyncIterator[bytes]:
    yield b"x"


async def test_a_store_that_does_not_answer_is_unavailable(absent: StoredObjects) -> None:
    outcomes = await asyncio.gather(
        absent.get("a"),
        absent.head("a"),
        absent.put("a", b""),
        absent.put_stream("a", one_chunk()),
        absent.remove(["a"]),
        absent.remove_prefix("a"),
        absent.ping(),
        anext(absent.stream("a")),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {StorageUnavailableError}


async def test_a_disk_that_went_away_is_unavailable(tmp_path: Path) -> None:
    objects = StoredObjects.local(tmp_path / "objects")
    (tmp_path / "objects").rmdir()
    with pytest.raises(StorageUnavailableError, match="not there"):
        await objects.ping()


async def test_a_cancelled_writer_leaves_nothing_that_outlives_its_prefix(tmp_path: Path) -> None:
    objects, waiting = StoredObjects.local(tmp_path), asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield bytes(9 << 20)
        waiting.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(objects.put_stream("a/b", stalled()))
        await waiting.wait()
        writer.cancel()
    assert await objects.head("a/b") is None
    assert await objects.put_stream("a/b", one_chunk()) == 1
    assert await objects.remove_prefix("a") == 1
    assert left_in(tmp_path) == []


async def test_a_removed_object_leaves_no_empty_folder(tmp_path: Path) -> None:
    objects = StoredObjects.local(tmp_path)
    await objects.put("a/b/c", b"x")
    await objects.remove(["a/b/c"])
    assert left_in(tmp_path) == []
