"""A sealed object opens to what was sealed, and nothing that was changed opens at all."""

import os
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import SealBrokenError
from storage.sealed_chunks import (
    AES_256_GCM,
    CHACHA20_POLY1305,
    CHUNK_BYTES,
    HEADER_BYTES,
    MAGIC,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    WHOLE,
    Seal,
    best_cipher,
    find_seal,
    last_place,
    new_seal,
    place_of,
    plain_size,
)
from storage.sealed_streams import RUN_CHUNKS, in_runs, opened, sealed
from storage.sealing import Vault

VAULT = Vault((b"m" * 32,))
KEY = "videos/1/original.mp4"
NOISE = os.urandom(5 * CHUNK_BYTES)
EDGES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, len(NOISE)]
SIZES = st.one_of(st.sampled_from(EDGES), st.integers(0, len(NOISE)))
CIPHERS = st.sampled_from([AES_256_GCM, CHACHA20_POLY1305])


def unsealed(stored: bytes, key: str = KEY, vault: Vault = VAULT) -> bytes:
    """Open a stored object as a reader does who knows nothing of it."""
    seal = find_seal(vault, key, stored[:HEADER_BYTES])
    if seal is None:
        raise SealBrokenError("not ours")
    plain = seal.open_whole(stored)
    assert plain_size(len(stored)) == len(plain)
    return plain


def chunks_of(stored: bytes) -> list[bytes]:
    body = stored[HEADER_BYTES:]
    return [body[at : at + SEALED_CHUNK_BYTES] for at in range(0, len(body), SEALED_CHUNK_BYTES)]


def refuses(stored: bytes) -> None:
    with pytest.raises(SealBrokenError):
        unsealed(stored)


def cut(seal: Seal, stored: bytes, start: int, end: int) -> bytes:
    """Read a range as a reader does who fetches only its chunks."""
    place = place_of(start, end, len(stored))
    chunks = range(place.start_bytes, place.end_bytes, SEALED_CHUNK_BYTES)
    plain = b"".join(
        seal.open(
            place.first + number,
            stored[at : min(at + SEALED_CHUNK_BYTES, place.end_bytes)],
            last=place.reaches_end and number == len(chunks) - 1,
        )
        for number, at in enumerate(chunks)
    )
    skipped = start - place.first * CHUNK_BYTES
    return plain[skipped : skipped + end - start]


@given(size=SIZES, cipher=CIPHERS)
def test_what_was_sealed_opens(size: int, cipher: int) -> None:
    stored = new_seal(VAULT, KEY, cipher).close_whole(NOISE[:size])
    assert unsealed(stored) == NOISE[:size]
    assert NOISE[: min(size, 32)] not in stored or size < 16


@given(data=st.data(), size=SIZES.filter(bool))
def test_any_range_opens_from_its_own_chunks(data: st.DataObject, size: int) -> None:
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    seal = new_seal(VAULT, KEY)
    stored = seal.close_whole(NOISE[:size])
    assert cut(seal, stored, start, end) == NOISE[start:end]
    place = place_of(start, end, len(stored))
    assert place.end_bytes - place.start_bytes <= ((end - start) // CHUNK_BYTES + 2) * SEALED_CHUNK_BYTES


@given(data=st.data(), size=SIZES)
def test_one_changed_bit_anywhere_is_refused(data: st.DataObject, size: int) -> None:
    stored = bytearray(new_seal(VAULT, KEY).close_whole(NOISE[:size]))
    within_header = data.draw(st.booleans())
    at = data.draw(st.integers(0, (HEADER_BYTES if within_header else len(stored)) - 1))
    stored[at] ^= 1 << data.draw(st.integers(0, 7))
    refuses(bytes(stored))


@given(data=st.data(), size=SIZES)
def test_an_object_cut_off_anywhere_is_refused(data: st.DataObject, size: int) -> None:
    stored = new_seal(VAULT, KEY).close_whole(NOISE[:size])
    seams = range(HEADER_BYTES, len(stored), SEALED_CHUNK_BYTES)
    refuses(stored[: data.draw(st.one_of(st.sampled_from(seams), st.integers(0, len(stored) - 1)))])


@given(size=SIZES, more=st.one_of(st.binary(min_size=1, max_size=40), st.just(bytes(SEALED_CHUNK_BYTES))))
def test_an_object_that_grew_is_refused(size: int, more: bytes) -> None:
    refuses(new_seal(VAULT, KEY).close_whole(NOISE[:size]) + more)


@given(data=st.data())
def test_chunks_moved_repeated_or_left_out_are_refused(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([2 * CHUNK_BYTES, 4 * CHUNK_BYTES, len(NOISE)]))
    stored = new_seal(VAULT, KEY).close_whole(NOISE[:size])
    chunks = chunks_of(stored)
    others = data.draw(st.lists(st.sampled_from(chunks), max_size=6).filter(lambda one: one != chunks))
    refuses(stored[:HEADER_BYTES] + b"".join(others))


@given(size=SIZES.filter(bool))
def test_chunks_of_another_object_are_refused(size: int) -> None:
    one, other = (new_seal(VAULT, KEY).close_whole(NOISE[:size]) for _ in range(2))
    refuses(one[:HEADER_BYTES] + other[HEADER_BYTES:])


@pytest.mark.parametrize("taken", [AES_256_GCM, CHACHA20_POLY1305])
def test_an_object_passes_under_no_other_name_key_or_cipher(taken: int) -> None:
    stored = new_seal(VAULT, KEY, taken).close_whole(b"mine")
    with pytest.raises(SealBrokenError):
        unsealed(stored, key="videos/2/original.mp4")
    with pytest.raises(SealBrokenError, match="master keys"):
        unsealed(stored, vault=Vault((b"o" * 32,)))
    refuses(MAGIC + bytes([3 - taken]) + stored[len(MAGIC) + 1 :])
    refuses(MAGIC + b"\x07" + stored[len(MAGIC) + 1 :])


def test_an_older_master_key_still_opens_what_it_wrapped() -> None:
    stored = new_seal(VAULT, KEY).close_whole(b"old")
    assert unsealed(stored, vault=Vault((b"n" * 32, *VAULT.keys))) == b"old"


@pytest.mark.parametrize("start", [b"", b"\x00\x00\x00\x18ftypisom", MAGIC[:-1], MAGIC[:-1] + b"\x02"])
def test_what_does_not_begin_as_ours_has_no_seal(start: bytes) -> None:
    assert find_seal(VAULT, KEY, start) is None


def test_every_object_has_a_key_of_its_own() -> None:
    seals = [new_seal(VAULT, KEY) for _ in range(20)]
    assert len({seal.data_key for seal in seals}) == len({seal.header for seal in seals}) == 20
    assert repr(seals[0].data_key) not in repr(seals[0])


def test_the_cipher_is_one_that_this_processor_knows() -> None:
    assert best_cipher() in {AES_256_GCM, CHACHA20_POLY1305}


@given(size=st.integers(0, 10**13))
def test_the_stored_size_says_the_size(size: int) -> None:
    chunks = max(-(-size // CHUNK_BYTES), 1)
    stored_bytes = HEADER_BYTES + size + chunks * TAG_BYTES
    assert plain_size(stored_bytes) == size
    place = last_place(stored_bytes)
    assert place.end_bytes == stored_bytes
    assert place.first == chunks - 1
    assert TAG_BYTES <= place.end_bytes - place.start_bytes <= SEALED_CHUNK_BYTES


@pytest.mark.parametrize("body_bytes", [-96, -1, 0, 15, SEALED_CHUNK_BYTES + 1, SEALED_CHUNK_BYTES + 16])
def test_a_size_that_no_object_has_is_refused(body_bytes: int) -> None:
    with pytest.raises(SealBrokenError):
        plain_size(HEADER_BYTES + body_bytes)


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@settings(max_examples=25, deadline=None)
@given(
    size=st.sampled_from([0, 1, CHUNK_BYTES, RUN_CHUNKS * CHUNK_BYTES, 2 * RUN_CHUNKS * CHUNK_BYTES + 1]),
    piece_bytes=st.sampled_from([1000, CHUNK_BYTES, 1 << 20, 1 << 24]),
)
async def test_a_stream_is_sealed_and_opened_however_it_is_cut(size: int, piece_bytes: int) -> None:
    data = (NOISE * 8)[:size]
    seal = new_seal(VAULT, KEY)
    stored = b"".join([chunk async for chunk in sealed(seal, pieces(data, piece_bytes))])
    assert unsealed(stored) == data
    back = opened(seal, pieces(stored[HEADER_BYTES:], piece_bytes), WHOLE)
    assert b"".join([chunk async for chunk in back]) == data


async def test_nothing_behind_a_broken_chunk_is_given_out() -> None:
    seal, run_bytes = new_seal(VAULT, KEY), RUN_CHUNKS * CHUNK_BYTES
    stored = bytearray(seal.close_whole(bytes(3 * run_bytes)))
    stored[HEADER_BYTES + RUN_CHUNKS * SEALED_CHUNK_BYTES + 5] ^= 1
    async with aclosing(opened(seal, pieces(bytes(stored[HEADER_BYTES:]), 1 << 20), WHOLE)) as plain:
        assert await anext(plain) == bytes(run_bytes)
        with pytest.raises(SealBrokenError):
            await anext(plain)
        assert await anext(plain, None) is None


@given(st.lists(st.binary(max_size=9), max_size=40), st.integers(1, 20))
async def test_runs_are_of_one_length_and_the_last_is_not_empty(parts: list[bytes], run_bytes: int) -> None:
    async def source() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    async with aclosing(in_runs(source(), run_bytes)) as found:
        runs = [(b"".join(run.pieces), run.is_last) async for run in found]
    assert b"".join(data for data, _ in runs) == b"".join(parts)
    assert [is_last for _, is_last in runs] == [False] * (len(runs) - 1) + [True]
    assert {len(data) for data, _ in runs[:-1]} <= {run_bytes}
    assert len(runs[-1][0]) <= run_bytes
    assert runs[-1][0] or not any(parts)


async def test_ten_thousand_small_pieces_become_one_run() -> None:
    (run,) = [run async for run in in_runs(pieces(NOISE[:10_000], 1), 1 << 20)]
    assert len(run.pieces) < 1000
    assert b"".join(run.pieces) == NOISE[:10_000]
