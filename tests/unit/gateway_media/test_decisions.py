"""The pure parts as properties."""

import hashlib
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.caching import is_known
from gateway.claims import media_type
from gateway.media.checksum import find_checksum
from gateway.media.conditions import is_range_valid, is_unchanged
from gateway.media.content_types import disposition_of
from gateway.media.metadata import UNTITLED, read_claims, read_metadata, write_metadata
from gateway.media.plane import joined_headers
from gateway.media.ranges import UnsatisfiableError, find_span
from gateway.media.references import with_query
from gateway.media.slicer import Slicer
from gateway.problems import ProblemError
from gateway.relay import backoff_seconds
from gateway.routes.video_fields import UploadIntent, checked_upload
from gateway.urgency import priority_of
from storage.content_types import content_type_of
from subjects.message import Priority
from tests.unit.gateway_media.house import metadata

KEYS = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
SIZES = st.integers(min_value=0, max_value=10**12)


@given(st.lists(st.binary(max_size=50), max_size=60), st.integers(min_value=1, max_value=40))
def test_any_split_of_a_body_gives_the_same_segments(pieces: list[bytes], segment_bytes: int) -> None:
    whole = b"".join(pieces)
    slicer, segments = Slicer(segment_bytes, len(whole)), list[bytes]()
    for piece in pieces:
        slicer.feed(piece)
        while slicer.is_ready:
            segments.append(slicer.take())
    slicer.end()
    while slicer.is_ready:
        segments.append(slicer.take())
    assert segments == [whole[at : at + segment_bytes] for at in range(0, len(whole), segment_bytes)]


@given(st.binary(min_size=1, max_size=50), st.integers(min_value=1, max_value=20))
def test_the_last_segment_waits_for_the_end(data: bytes, segment_bytes: int) -> None:
    slicer, taken = Slicer(segment_bytes, len(data)), 0
    slicer.feed(data)
    while slicer.is_ready:
        taken += len(slicer.take())
    assert 0 < len(data) - taken <= segment_bytes
    with pytest.raises(OverflowError):
        slicer.feed(b"x")


@given(SIZES, SIZES, SIZES)
def test_a_range_lies_within_its_object(first: int, last: int, size: int) -> None:
    try:
        span = find_span(f"bytes={first}-{last}", size)
    except UnsatisfiableError:
        assert first >= size
        return
    assert (span is None) == (last < first)
    if span is not None:
        assert (span.start_bytes, span.end_bytes) == (first, min(last + 1, size))


@given(SIZES, SIZES)
def test_a_suffix_is_the_end(count: int, size: int) -> None:
    try:
        span = find_span(f"bytes=-{count}", size)
    except UnsatisfiableError:
        assert 0 in (count, size)
        return
    assert span == (max(0, size - count), size)


@given(st.text(max_size=40), SIZES)
def test_no_range_header_breaks_anything(header: str, size: int) -> None:
    try:
        span = find_span(header, size)
    except UnsatisfiableError:
        return
    assert span is None or 0 <= span.start_bytes < span.end_bytes <= size


_MODIFIED_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@given(st.text(max_size=60) | st.from_regex(r"Fri, 01 May 2026 12:00:00 [+-]?[0-9]{1,20}", fullmatch=True))
@example("Fri, 01 May 2026 12:00:00 +99999999999999")
@example("Fri, 01 May 2026 12:00:00 +9999")
def test_no_condition_breaks_anything(text: str) -> None:
    for name in ("if-modified-since", "if-range", "if-none-match"):
        is_unchanged({name: text}, '"tag"', _MODIFIED_AT)
        is_range_valid({name: text}, '"tag"', _MODIFIED_AT)


@given(
    st.dictionaries(st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True), st.binary(max_size=60), max_size=9)
)
def test_metadata_is_read_as_it_was_written(pairs: dict[str, bytes]) -> None:
    assert read_metadata(metadata(**pairs)) == pairs


@given(st.text(min_size=1).filter(lambda text: not _has_surrogates(text)))
def test_what_is_written_can_be_read(text: str) -> None:
    assert read_metadata(write_metadata({"filename": text, "none": None})) == {"filename": text.encode()}


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


@given(st.text(max_size=200))
def test_no_metadata_breaks_anything(header: str) -> None:
    with suppress(ProblemError):
        read_claims(header)


@pytest.mark.parametrize(
    "header",
    [
        "filename bW92aWU=,filename bW92aWU=",
        "filename bW92aWU",
        "filename !!!!",
        "filename bW92aWU= extra",
        ",",
        "filename bW92aWU=,",
        "f\u00fc bW92aWU=",
        "filename " + b64encode(b"a\x00b").decode(),
        "filename " + b64encode(b"\xff\xfe").decode(),
        "title " + b64encode(b"t" * 201).decode(),
        "sha256 " + b64encode(b"x" * 64).decode(),
        "filetype " + b64encode(b"video/mp4\r\nX: y").decode(),
    ],
)
def test_bad_metadata_is_refused(header: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_claims(header)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ({}, UNTITLED),
        ({"filename": "sea.tar.mp4"}, "sea.tar"),
        ({"filename": "/tmp/a/sea.mp4"}, "sea"),  # noqa: S108 - somebody's path
        ({"filename": "..."}, "..."),
        ({"filename": "a.mp4", "title": "  By the sea "}, "By the sea"),
        ({"filename": "/"}, UNTITLED),
    ],
)
def test_a_title_is_found(told: dict[str, str], title: str) -> None:
    assert read_claims(metadata(**told)).title == title


@given(st.binary(max_size=100), st.sampled_from(["sha1", "sha256", "md5", "SHA1"]))
def test_a_checksum_fits_its_bytes_only(data: bytes, name: str) -> None:
    made = find_checksum(f"{name} {b64encode(hashlib.new(name.lower(), data).digest()).decode()}")
    assert made is not None
    made.update(data)
    assert made.fits
    made.update(b"x")
    assert not made.fits


@given(st.binary(max_size=500))
def test_captions_are_never_touched(text: bytes) -> None:
    page = b"WEBVTT\n\n1\n00:00.000 --> 00:01.000\n" + text.replace(b"#xywh", b"") + b"\n"
    assert with_query("captions.vtt", page, "q=1") == page


def test_playlists_carry_the_query_on() -> None:
    page = (
        b'#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXT-X-MEDIA:TYPE=AUDIO,URI="a/b.m3u8",NAME="x"\n#EXTINF:2,\n'
        b"seg-1.m4s\r\nhttps://other.example/x.m4s\n/absolute.m4s\n"
    )
    assert with_query("hls/master.m3u8", page, "q=1") == (
        b'#EXTM3U\n#EXT-X-MAP:URI="init.mp4?q=1"\n#EXT-X-MEDIA:TYPE=AUDIO,URI="a/b.m3u8?q=1",NAME="x"\n'
        b"#EXTINF:2,\nseg-1.m4s?q=1\r\nhttps://other.example/x.m4s\n/absolute.m4s\n"
    )


def test_manifests_carry_the_query_on_as_xml() -> None:
    page = (
        b'<SegmentTemplate timescale="30" initialization="../$RepresentationID$/init.mp4" '
        b'media="../$RepresentationID$/$Time%05d$.m4s"/><BaseURL>../../en.vtt</BaseURL>'
        b'<BaseURL>https://other.example/</BaseURL><S media="/absolute.m4s" mimeType="video/mp4"/>'
    )
    assert with_query("cmaf/v1/manifest.mpd", page, "a=1&b=2") == (
        b'<SegmentTemplate timescale="30" initialization="../$RepresentationID$/init.mp4?a=1&amp;b=2" '
        b'media="../$RepresentationID$/$Time%05d$.m4s?a=1&amp;b=2"/><BaseURL>../../en.vtt?a=1&amp;b=2</BaseURL>'
        b'<BaseURL>https://other.example/</BaseURL><S media="/absolute.m4s" mimeType="video/mp4"/>'
    )


@given(st.text(max_size=60))
def test_a_disposition_is_a_plain_header(name: str) -> None:
    header = disposition_of(UUID(int=1), name, download=True)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.js", "x", "x.mp4.html", "x.xml"])
def test_nothing_is_served_as_a_page(name: str) -> None:
    assert content_type_of(name) == "application/octet-stream"
    assert disposition_of(UUID(int=1), name, download=False).startswith("attachment")


def test_priority_follows_the_size() -> None:
    assert [priority_of(size) for size in (None, 0, 64 * 1024**2, 64 * 1024**2 + 1)] == [
        Priority.NORMAL,
        Priority.NORMAL,
        Priority.NORMAL,
        Priority.LOW,
    ]


def test_repeated_headers_are_joined() -> None:
    assert joined_headers([("a", "1"), ("b", "2"), ("a", "3")]) == {"a": "1, 3", "b": "2"}


@given(st.integers(min_value=0, max_value=10**6))
def test_a_relay_never_waits_for_long(failures: int) -> None:
    assert 1.0 <= backoff_seconds(failures, 1.0) <= 15.0


@pytest.mark.parametrize("kind", ["application/zip", "image/png", "audio/mpeg", "application/json", "video"])
def test_what_is_no_video_is_refused_wherever_it_is_claimed(kind: str) -> None:
    with pytest.raises(ProblemError):
        read_claims(metadata(filetype=kind))
    with pytest.raises(ProblemError):
        checked_upload(UploadIntent(size_bytes=1, content_type=kind), 10)


@pytest.mark.parametrize("kind", ["video/mp4", "Video/QuickTime; codecs=x", "application/mp4"])
def test_a_video_is_taken_wherever_it_is_claimed(kind: str) -> None:
    assert read_claims(metadata(filetype=kind)).content_type == media_type(kind)
    checked_upload(UploadIntent(size_bytes=1, content_type=kind), 10)


def test_a_tus_client_need_not_know_its_type() -> None:
    unknown = [read_claims(""), read_claims(metadata(filetype="application/octet-stream"))]
    assert {claims.content_type for claims in unknown} == {"application/octet-stream"}


@pytest.mark.parametrize("name", ["..", "/", "a/", "\\", "  "])
def test_a_tus_client_that_names_no_file_is_as_one_of_the_api(name: str) -> None:
    assert read_claims(metadata(filename=name)).filename is None


@given(st.lists(st.from_regex(r"[\x21\x23-\x7e]{1,9}", fullmatch=True), min_size=1, max_size=4))
def test_one_of_several_tags_is_known_whatever_stands_in_them(names: list[str]) -> None:
    listed = ", ".join(f'W/"{name}"' for name in names)
    assert all(is_known(listed, f'"{name}"') for name in names)
    assert not is_known(listed, '"another-tag"')
