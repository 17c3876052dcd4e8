"""What encrypted objects promise beyond the contract of objects."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from storage.encrypted_objects import EncryptedObjects
from storage.errors import ObjectMissingError, SealBrokenError
from storage.examined_objects import LOOKS, REMEMBERED_MAX
from storage.memory.objects import MemoryObjects
from storage.objects import StoredObjects
from storage.records import ObjectInfo
from storage.sealed_chunks import CHUNK_BYTES, HEADER_BYTES, SEALED_CHUNK_BYTES
from storage.sealing import Vault

VAULT = Vault((b"m" * 32,))
DATA = os.urandom(40 * CHUNK_BYTES + 5)
KEY = "videos/1/original.mp4"


@dataclass(frozen=True, slots=True)
class Watched(MemoryObjects):
    """Objects that count what is asked of them."""

    heads: list[str] = field(default_factory=list)
    reads: list[tuple[int, int | None]] = field(default_factory=list)

    async def head(self, key: str) -> ObjectInfo | None:
        self.heads.append(key)
        return await super(Watched, self).head(key)

    async def stream(
        self, key: str, start_bytes: int = 0, end_bytes: int | None = None
    ) -> AsyncIterator[bytes]:
        self.reads.append((start_bytes, end_bytes))
        async for chunk in super(Watched, self).stream(key, start_bytes, end_bytes):
            yield chunk


@pytest.fixture
def store() -> Watched:
    return Watched()


@pytest.fixture
async def objects(store: Watched) -> EncryptedObjects:
    objects = encrypting(store)
    await objects.put(KEY, DATA)
    return objects


def encrypting(store: Any, mode: Any = "all", vault: Vault = VAULT) -> EncryptedObjects:
    return EncryptedObjects.over(store, vault, mode)


async def read(objects: Any, key: str = KEY, *span: int) -> bytes:
    return b"".join([chunk async for chunk in objects.stream(key, *span)])


async def every_reading(objects: Any, key: str = KEY) -> list[object]:
    """Return what each way to read an object comes to."""
    asked = (objects.get(key), objects.head(key), read(objects, key), read(objects, key, 0, 4))
    return await asyncio.gather(*asked, return_exceptions=True)


async def refused(objects: Any, key: str = KEY) -> bool:
    return {type(outcome) for outcome in await every_reading(objects, key)} == {SealBrokenError}


def changed(store: MemoryObjects, data: bytes, key: str = KEY) -> None:
    store.objects[key] = (data, store.objects[KEY][1])


async def test_the_store_holds_nothing_of_the_object(objects: EncryptedObjects, store: Watched) -> None:
    stored = store.objects[KEY][0]
    assert not any(DATA[at : at + 16] in stored for at in range(0, len(DATA), 1000))


async def test_the_same_object_twice_is_two_secrets(objects: EncryptedObjects, store: Watched) -> None:
    first = store.objects[KEY][0]
    await objects.put(KEY, DATA)
    assert store.objects[KEY][0][HEADER_BYTES:] != first[HEADER_BYTES:]


@pytest.mark.parametrize("cut_bytes", [1, 16, 21, SEALED_CHUNK_BYTES, 3 * SEALED_CHUNK_BYTES + 21])
async def test_an_object_that_was_cut_off_is_refused_before_a_byte_of_it(
    objects: EncryptedObjects, store: Watched, cut_bytes: int
) -> None:
    changed(store, store.objects[KEY][0][:-cut_bytes])
    for reader in (objects, encrypting(store)):
        asked = (reader.head(KEY), reader.get(KEY), read(reader, KEY, 0, 4))
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {SealBrokenError}


async def test_an_object_at_the_place_of_another_is_refused(
    objects: EncryptedObjects, store: Watched
) -> None:
    changed(store, store.objects[KEY][0], "videos/2/original.mp4")
    assert await refused(objects, "videos/2/original.mp4")


async def test_an_object_under_an_unknown_master_key_is_refused(
    objects: EncryptedObjects, store: Watched
) -> None:
    assert await refused(encrypting(store, vault=Vault((b"o" * 32,))))
    assert await read(encrypting(store, vault=Vault((b"o" * 32, *VAULT.keys)))) == DATA


@pytest.mark.parametrize("foreign", [b"", b"plain", os.urandom(3 * CHUNK_BYTES)])
async def test_a_plain_object_is_given_out_in_mode_new_and_refused_in_mode_all(
    store: Watched, foreign: bytes
) -> None:
    await store.put(KEY, foreign)
    both = encrypting(store, "new")
    assert await both.get(KEY) == await read(both) == await read(both, KEY, 0, len(foreign)) == foreign
    assert await both.head(KEY) == await store.head(KEY)
    assert await both.head("none") is None
    outcomes = await asyncio.gather(
        *(read(encrypting(store)), encrypting(store).get(KEY), encrypting(store).head(KEY)),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {SealBrokenError}


async def test_mode_new_encrypts_what_it_writes(store: Watched) -> None:
    await encrypting(store, "new").put(KEY, DATA)
    assert await read(encrypting(store, "all")) == DATA


async def test_a_range_fetches_the_chunks_that_hold_it(objects: EncryptedObjects, store: Watched) -> None:
    await objects.head(KEY)
    store.reads.clear()
    store.heads.clear()
    assert await read(objects, KEY, 70_000, 70_001) == DATA[70_000:70_001]
    start = HEADER_BYTES + SEALED_CHUNK_BYTES
    assert store.reads == [(start, start + SEALED_CHUNK_BYTES)]
    assert store.heads == []


async def test_a_whole_object_is_read_in_one_go(objects: EncryptedObjects, store: Watched) -> None:
    assert await read(objects) == DATA
    assert (store.reads, store.heads) == ([(0, None)], [])


async def test_a_range_of_any_start_comes_in_chunks_of_a_mebibyte(objects: EncryptedObjects) -> None:
    for start in (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7):
        sizes = [len(chunk) async for chunk in objects.stream(KEY, start, len(DATA))]
        assert min(sizes[:-1]) >= 1 << 20
        assert sum(sizes) == len(DATA) - start


@pytest.mark.parametrize("size", [3, len(DATA), 3 * len(DATA)])
async def test_what_another_process_replaced_is_read_anew(
    objects: EncryptedObjects, store: Watched, size: int
) -> None:
    await objects.head(KEY)
    replaced = os.urandom(size)
    await encrypting(store).put(KEY, replaced)
    assert await read(objects, KEY, 0, size) == replaced
    assert await read(objects, KEY, 1, 3) == replaced[1:3]
    info = await objects.head(KEY)
    assert info is not None
    assert info.size_bytes == size


async def test_what_another_process_removed_is_missing(objects: EncryptedObjects, store: Watched) -> None:
    await objects.head(KEY)
    await store.remove([KEY])
    with pytest.raises(ObjectMissingError):
        await read(objects, KEY, 0, 3)
    assert await objects.head(KEY) is None


async def test_an_object_that_changes_at_every_look_is_given_up(store: Watched) -> None:
    class Restless(Watched):
        async def head(self, key: str) -> ObjectInfo | None:
            changed(self, os.urandom(300))
            return await super().head(key)

    restless = Restless()
    await restless.put(KEY, b"")
    with pytest.raises(SealBrokenError):
        await encrypting(restless).head(KEY)
    assert len(restless.heads) <= 2 * LOOKS


async def test_a_chunk_that_was_changed_later_ends_the_stream_and_is_asked_for_once_more(
    objects: EncryptedObjects, store: Watched
) -> None:
    await objects.head(KEY)
    stored = bytearray(store.objects[KEY][0])
    stored[HEADER_BYTES + 20 * SEALED_CHUNK_BYTES] ^= 1
    changed(store, bytes(stored))
    given_out = bytearray()
    with pytest.raises(SealBrokenError):
        await collect(objects.stream(KEY, 0, len(DATA)), given_out)
    assert DATA.startswith(bytes(given_out))
    assert len(given_out) <= 20 * CHUNK_BYTES
    store.reads.clear()
    with pytest.raises(SealBrokenError):
        await read(objects, KEY, 20 * CHUNK_BYTES, 20 * CHUNK_BYTES + 1)
    assert len(store.reads) <= 4


async def collect(chunks: AsyncIterator[bytes], into: bytearray) -> None:
    async for chunk in chunks:
        into += chunk


async def test_no_more_keys_are_remembered_than_there_is_room_for(store: Watched) -> None:
    objects = encrypting(store)
    for number in range(REMEMBERED_MAX + 10):
        await objects.put(f"a/{number}", b"x")
        await objects.head(f"a/{number}")
    assert objects.examiner.remembered("a/0") is None
    assert objects.examiner.remembered(f"a/{REMEMBERED_MAX}") is not None
    await objects.remove_prefix("a")
    assert objects.examiner.remembered(f"a/{REMEMBERED_MAX}") is None


async def test_neither_a_path_nor_a_url_leads_past_the_encryption(tmp_path: Path) -> None:
    objects = encrypting(StoredObjects.local(tmp_path))
    await objects.put(KEY, DATA)
    assert objects.local_path(KEY) is None
    assert await objects.presign(KEY, 60.0) is None


async def test_a_reader_that_leaves_closes_what_it_read(tmp_path: Path) -> None:
    objects = encrypting(StoredObjects.local(tmp_path))
    await objects.put(KEY, DATA)
    before = open_files()
    for span in ((), (5, len(DATA))):
        chunks: Any = objects.stream(KEY, *span)
        assert DATA.find(await anext(chunks)) in {0, 5}
        await chunks.aclose()
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_the_loop_goes_on_while_a_large_object_is_sealed(store: Watched) -> None:
    objects, turns = encrypting(store), 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.ensure_future(count())
    await objects.put("big", bytes(64 << 20))
    counting.cancel()
    assert turns > 100
