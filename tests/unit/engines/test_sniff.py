import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip import sniff as kinds
from actors.engines.clip.sniff import Sniffed, sniff

TS = (b"\x47" + b"\0" * 187) * 4


def ftyp(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0isom"


def ebml(doctype: bytes) -> bytes:
    return (
        b"\x1aE\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82"
        + bytes([0x80 | len(doctype)])
        + doctype
        + b"\x42\x87\x81\x04"
    )


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (ftyp(b"isom"), kinds.MP4),
        (ftyp(b"mp42"), kinds.MP4),
        (ftyp(b"qt  "), kinds.MOV),
        (b"\0\0\0\x08wide\0\0\1\0mdat", kinds.MOV),
        (ftyp(b"3gp4"), kinds.THREE_GP),
        (ftyp(b"M4A "), kinds.M4A),
        (ebml(b"webm"), kinds.WEBM),
        (ebml(b"matroska"), kinds.MKV),
        (TS, kinds.MPEGTS),
        (b"\0\0\0\0" + (b"\x47" + b"\0" * 191) * 4, kinds.MPEGTS),
        (b"FLV\x01\x05\0\0\0\x09", kinds.FLV),
        (b"RIFF\0\0\0\0AVI LIST", kinds.AVI),
        (b"RIFF\0\0\0\0WAVEfmt ", kinds.WAV),
        (b"ID3\x04\0\0\0\0\0\0", kinds.MP3),
        (b"\xff\xfb\x90\x64", kinds.MP3),
        (b"\xff\xf1\x50\x80", kinds.AAC),
        (b"fLaC\0\0\0\x22", kinds.FLAC),
        (b"OggS\0\2", kinds.OGG),
    ],
)
def test_containers_are_known_by_their_first_bytes(head: bytes, kind: Sniffed) -> None:
    assert sniff(head) == kind


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0" * 64,
        b"<!DOCTYPE html><html>",
        b"\x7fELF\x02\x01\x01",
        b"PK\x03\x04",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"GIF89a",
        b"#EXTM3U\n#EXT-X-VERSION:3\n",
        b"ffconcat version 1.0\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"RIFF\0\0\0\0WEBPVP8 ",
        ftyp(b"heic"),
        ftyp(b"avif"),
        b"\xff\xff\xff\xff",
    ],
)
def test_what_is_not_a_container_is_nothing(head: bytes) -> None:
    assert sniff(head) is None


@given(st.binary(max_size=600))
def test_no_bytes_make_it_fail(head: bytes) -> None:
    sniff(head)


@given(
    st.sampled_from([ftyp(b"isom"), ebml(b"webm"), TS, b"RIFF\0\0\0\0AVI LIST", b"ID3\x04\0\0\0\0\0\0"]),
    st.integers(0, 200),
)
def test_no_cut_makes_it_fail(head: bytes, length: int) -> None:
    sniff(head[:length])
