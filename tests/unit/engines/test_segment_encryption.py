"""Segments are encrypted as everybody else decrypts them: NIST's vectors, and OpenSSL's command line."""

import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.engines.cmaf.bandwidth import peak_bps
from actors.engines.cmaf.renditions import chunk_files, encoded_track, track_files
from actors.engines.cmaf.segment_encryption import (
    encrypt_track,
    encrypted,
    encrypted_rendition,
    first_segment,
)
from actors.engines.cmaf.track import INIT_NAME, Track, segment_name
from storage.errors import MasterKeyUnknownError, VaultMissingError
from storage.keys import rendition_key
from storage.sealing import Vault
from storage.segment_keys import NO_KEYS, SegmentKeys
from subjects.media import MediaSegment
from tests.encoded import TIMELINE, rendition

VIDEO = UUID(int=7)
KEYS = SegmentKeys(Vault((b"m" * 32,)), is_on=True)
NAME = KEYS.newest_name or ""
# NIST SP 800-38A, F.2.1 (CBC-AES128.Encrypt): the vector counts up from zero, as no number of ours does.
NIST_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
NIST_VECTOR = int("000102030405060708090a0b0c0d0e0f", 16)
NIST_PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
NIST_CIPHER = bytes.fromhex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2")


def decrypted(data: bytes, key: bytes, number: int) -> bytes:
    """What the command line of OpenSSL makes of it; it fails for a padding that is none."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    command = [openssl, "enc", "-d", "-aes-128-cbc", "-K", key.hex(), "-iv", f"{number:032x}"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


async def nothing() -> None: ...


def written(out_dir: Path, times: tuple[int, ...] = (0, 120, 240)) -> Track:
    folder = out_dir / "720p-h264"
    folder.mkdir()
    (folder / INIT_NAME).write_bytes(b"init")
    for time in times:
        (folder / segment_name(time)).write_bytes(b"segment %d" % time)
    return Track(
        rendition=folder.name,
        codecs="avc1.64001f",
        timescale=30,
        init_sha256="ab" * 32,
        segments=tuple(
            MediaSegment(
                time=time, duration=120, size_bytes=len(b"segment %d" % time), iframes=((0, 5, time),)
            )
            for time in times
        ),
    )


def test_the_cipher_is_the_standards() -> None:
    made = encrypted(NIST_PLAIN, NIST_KEY, NIST_VECTOR)
    assert made[: len(NIST_CIPHER)] == NIST_CIPHER
    assert len(made) == len(NIST_CIPHER) + 16, "whole blocks get one more that says so"


@pytest.mark.parametrize("size_bytes", [0, 1, 15, 16, 17, 100_000])
@pytest.mark.parametrize("number", [0, 1, 300, 2**40])
def test_openssl_decrypts_a_segment_by_its_number(size_bytes: int, number: int) -> None:
    plain = bytes(at % 251 for at in range(size_bytes))
    assert decrypted(encrypted(plain, NIST_KEY, number), NIST_KEY, number) == plain


@given(st.binary(max_size=100), st.integers(0, 2**64))
def test_what_is_encrypted_has_whole_blocks_and_differs_by_its_number(plain: bytes, number: int) -> None:
    made = encrypted(plain, NIST_KEY, number)
    assert len(made) == (len(plain) // 16 + 1) * 16
    assert made != encrypted(plain, NIST_KEY, number + 1)


@pytest.mark.parametrize("key", [b"", b"k" * 15, b"k" * 24, b"k" * 32])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="key size"):
        encrypted(b"segment", key, 0)


async def test_a_track_is_encrypted_where_it_lies_but_for_its_beginning(tmp_path: Path) -> None:
    plain, signs = written(tmp_path), []

    async def alive() -> None:
        signs.append(1)

    made = await encrypt_track(VIDEO, plain, tmp_path, KEYS, NAME, alive=alive)
    key = KEYS.key(NAME, VIDEO, plain.rendition)
    assert made.key_name == NAME
    assert len(signs) == 3
    for number, segment in enumerate(made.segments):
        data = (tmp_path / plain.rendition / segment_name(segment.time)).read_bytes()
        assert decrypted(data, key, number) == b"segment %d" % segment.time
        assert (segment.size_bytes, segment.iframes) == (len(data), ())
    assert (tmp_path / plain.rendition / INIT_NAME).read_bytes() == b"init"


async def test_a_later_chunk_goes_on_counting(tmp_path: Path) -> None:
    first_frame, _ = TIMELINE.chunk(1)
    plain = written(tmp_path, (480, 600))
    made = await encrypt_track(
        VIDEO, plain, tmp_path, KEYS, NAME, alive=nothing, first_number=first_segment(TIMELINE, first_frame)
    )
    key = KEYS.key(NAME, VIDEO, plain.rendition)
    for number, segment in [(4, made.segments[0]), (5, made.segments[1])]:
        data = (tmp_path / plain.rendition / segment_name(segment.time)).read_bytes()
        assert decrypted(data, key, number) == b"segment %d" % segment.time


async def test_without_a_name_a_track_stays_as_it_is(tmp_path: Path) -> None:
    plain = written(tmp_path)
    assert await encrypt_track(VIDEO, plain, tmp_path, NO_KEYS, None, alive=nothing) is plain
    assert (tmp_path / plain.rendition / "0.m4s").read_bytes() == b"segment 0"


async def test_nothing_is_encrypted_with_a_key_that_is_not_there(tmp_path: Path) -> None:
    plain = written(tmp_path)
    with pytest.raises(MasterKeyUnknownError, match=r"'ffffffffffffffff'.*TRUTHTOK_MASTER_KEYS"):
        await encrypt_track(VIDEO, plain, tmp_path, KEYS, "ff" * 8, alive=nothing)
    with pytest.raises(VaultMissingError, match="segments are encrypted: set TRUTHTOK_MASTER_KEYS"):
        await encrypt_track(VIDEO, plain, tmp_path, NO_KEYS, NAME, alive=nothing)
    assert (tmp_path / plain.rendition / "0.m4s").read_bytes() == b"segment 0"


async def test_what_is_encrypted_lies_apart_by_the_name_of_its_key(tmp_path: Path) -> None:
    plain = written(tmp_path)
    made = await encrypt_track(VIDEO, plain, tmp_path, KEYS, NAME, alive=nothing)
    init_key = rendition_key(VIDEO, plain.rendition, INIT_NAME, NAME)
    assert f"/{plain.rendition}/{NAME}/" in init_key
    assert next(track_files(VIDEO, made, tmp_path)) == (init_key, tmp_path / plain.rendition / INIT_NAME)
    recorded = encoded_track(VIDEO, made)
    own_key = init_key.replace("init.mp4", f"init-{made.init_sha256[:16]}.mp4")
    assert (recorded.init_key, recorded.key_name) == (own_key, NAME)
    assert next(chunk_files(VIDEO, made, tmp_path)) == (own_key, tmp_path / plain.rendition / INIT_NAME)
    known = encrypted_rendition(VIDEO, rendition(plain.rendition), made)
    assert (known.init_key, known.key_name, known.segments) == (init_key, NAME, made.segments)
    assert known.bandwidth_bps == peak_bps(made.segments, 30)


def test_a_rendition_whose_track_was_not_encrypted_keeps_what_it_says() -> None:
    plain = rendition("original")
    track = Track(rendition="original", codecs="avc1", timescale=30, init_sha256="", segments=plain.segments)
    made = encrypted_rendition(VIDEO, replace(plain, init_key=""), track)
    assert made.init_key == rendition_key(VIDEO, "original", INIT_NAME)
    assert made.key_name is None
