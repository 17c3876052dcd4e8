import io
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.engines.cmaf.boxes import Fragment, MalformedError, Splitter, read_fragment, split, timescale
from actors.engines.cmaf.codec_string import codec_string
from actors.engines.cmaf.merge import merged
from actors.engines.cmaf.segment_writer import MUXER

OPTIONS = {
    "libx264": {"sc_threshold": "0", "bf": "2", "b_strategy": "0"},
    "libx265": {"x265-params": "log-level=none"},
}


def fragmented(codec: str = "libx264", frames: int = 25, gop: int = 10, tag: str | None = None) -> bytes:
    """A small fragmented MP4 as libav writes it."""
    file = io.BytesIO()
    options = {**MUXER, "video_track_timescale": "30"}
    with av.open(file, "w", format="mp4", options=options) as container:
        stream = container.add_stream(codec, rate=Fraction(30), options=OPTIONS.get(codec, {}))
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.gop_size = gop
        if tag:
            stream.codec_context.codec_tag = tag
        chance = np.random.default_rng(1)
        for index in range(frames):
            picture = chance.integers(0, 255, (64, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.fixture(scope="module")
def clip() -> bytes:
    return fragmented()


def box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4) + kind + body


def crafted(
    *, trun: bytes, tfhd: bytes = bytes(4) + (1).to_bytes(4), tfdt: bytes = bytes(8), media: bytes = b"abcdef"
) -> bytes:
    """A fragment whose boxes hold what a test puts in."""
    traf = box(b"traf", box(b"tfhd", tfhd) + box(b"tfdt", tfdt) + box(b"trun", trun))
    return box(b"moof", box(b"mfhd", bytes(8)) + traf) + box(b"mdat", media)


def run_of(sizes: list[int], *, offset: int, count: int | None = None) -> bytes:
    flags = (0x201).to_bytes(4)
    number = (len(sizes) if count is None else count).to_bytes(4)
    return flags + number + offset.to_bytes(4) + b"".join(size.to_bytes(4) for size in sizes)


def whole(sizes: list[int]) -> bytes:
    length = len(crafted(trun=run_of(sizes, offset=0), media=b""))
    return crafted(trun=run_of(sizes, offset=length))


def test_a_file_is_cut_into_its_init_segment_and_a_fragment_for_each_key_frame(clip: bytes) -> None:
    init, fragments = split(clip)
    assert init + b"".join(fragment.data for fragment in fragments) == clip
    assert [(one.decode_time, one.duration) for one in fragments] == [(0, 10), (10, 10), (20, 5)]
    assert all(one.samples[0].sync for one in fragments)
    assert not any(sample.sync for one in fragments for sample in one.samples[1:])


def test_pictures_that_are_shown_before_their_turn_have_negative_offsets(clip: bytes) -> None:
    _, fragments = split(clip)
    shown = [
        fragment.decode_time + place + sample.composition_offset
        for fragment in fragments
        for place, sample in enumerate(fragment.samples)
    ]
    assert sorted(shown) == list(range(25))
    assert any(sample.composition_offset < 0 for sample in fragments[0].samples)


def test_samples_lie_where_it_is_told(clip: bytes) -> None:
    _, fragments = split(clip)
    for fragment in fragments:
        media = fragment.data[fragment.first_sample_at :]
        assert len(media) == sum(sample.size_bytes for sample in fragment.samples)
        assert int.from_bytes(media[:4]) <= fragment.samples[0].size_bytes  # the length of a NAL unit


def test_a_fragment_is_moved_in_time_and_nothing_else_changes(clip: bytes) -> None:
    _, fragments = split(clip)
    moved = read_fragment(fragments[1].placed(123_456_789_012, 7))
    assert moved.decode_time == 123_456_789_012
    assert moved.samples == fragments[1].samples
    assert moved.data[moved.first_sample_at :] == fragments[1].data[fragments[1].first_sample_at :]
    with pytest.raises(MalformedError):
        fragments[1].placed(1 << 64, 1)


def test_the_timescale_is_that_of_the_track(clip: bytes) -> None:
    assert timescale(split(clip)[0]) == 30


@given(cuts=st.lists(st.integers(0, 40_000), max_size=20))
@settings(max_examples=30, deadline=None)
def test_a_file_that_comes_in_pieces_is_cut_alike(cuts: list[int]) -> None:
    data = whole([2, 4])
    file = box(b"ftyp", b"isom") + data * 3
    places = sorted({0, len(file), *(cut % len(file) for cut in cuts)})
    splitter, found = Splitter(), []
    for start, end in pairwise(places):
        found += splitter.feed(file[start:end])
    splitter.finish()
    assert [one.data for one in found] == [data] * 3


def test_merged_fragments_hold_the_same_samples(clip: bytes) -> None:
    _, fragments = split(clip)
    one = read_fragment(merged(fragments, 600, 3))
    assert one.decode_time == 600
    assert one.samples == tuple(sample for fragment in fragments for sample in fragment.samples)
    media = b"".join(fragment.data[fragment.first_sample_at :] for fragment in fragments)
    assert one.data[one.first_sample_at :] == media


def test_fragments_with_a_gap_between_them_are_not_merged(clip: bytes) -> None:
    _, fragments = split(clip)
    with pytest.raises(MalformedError):
        merged([fragments[0], fragments[2]], 0, 1)


@pytest.mark.parametrize(("codec", "tag", "told"), [
    ("libx264", None, "avc1.64000a"),
    ("libx265", "hvc1", "hvc1.1.6.L30.90"),
    ("libvpx-vp9", None, "vp09.00.10.08"),
    ("libsvtav1", None, "av01.0.00M.08"),
])  # fmt: skip
def test_playlists_call_a_codec_by_its_profile_and_level(codec: str, tag: str | None, told: str) -> None:
    init, _ = split(fragmented(codec, frames=3, tag=tag))
    assert codec_string(init) == told


def stsd(entry: bytes) -> bytes:
    inner = box(b"stsd", bytes(4) + (1).to_bytes(4) + entry)
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        inner = box(kind, inner)
    return inner


def mp4a(specific: bytes, object_type: int = 0x40) -> bytes:
    config = bytes([object_type]) + bytes(12) + b"\x05" + bytes([len(specific)]) + specific
    es = bytes(3) + b"\x04\x80\x80\x80" + bytes([len(config)]) + config
    return stsd(box(b"mp4a", bytes(28) + box(b"esds", bytes(4) + b"\x03" + bytes([len(es)]) + es)))


def visual(kind: bytes, config: bytes, record: str) -> bytes:
    return stsd(box(kind, bytes(78) + box(config, bytes.fromhex(record))))


@pytest.mark.parametrize(("init", "told"), [
    (mp4a(b"\x11\x90"), "mp4a.40.2"),
    (mp4a(b"\x2b\x92\x08\x00"), "mp4a.40.5"),
    (mp4a(b"\xf9\x48"), "mp4a.40.42"),
    (mp4a(b"", object_type=0x6B), "mp4a.6b"),
    (stsd(box(b"Opus", bytes(28) + box(b"dOps", bytes(11)))), "opus"),
    (visual(b"hvc1", b"hvcC", "0122200000009000000000005d"), "hvc1.2.4.H93.90"),
    (visual(b"av01", b"av1C", "810d4000"), "av01.0.13M.10"),
])  # fmt: skip
def test_a_crafted_sample_entry_is_told_by_its_name(init: bytes, told: str) -> None:
    assert codec_string(init) == told


@pytest.mark.parametrize("init", [
    stsd(b""),
    stsd(box(b"xxxx", bytes(100))),
    stsd(box(b"avc1", bytes(10))),
    stsd(box(b"avc1", bytes(78) + box(b"avcC", b"\1"))),
    stsd(box(b"mp4a", bytes(28) + box(b"esds", bytes(4) + b"\x03\xff\xff\xff\xff"))),
    b"",
])  # fmt: skip
def test_an_init_segment_that_says_nonsense_is_malformed(init: bytes) -> None:
    with pytest.raises(MalformedError):
        codec_string(init)


@pytest.mark.parametrize("data", [
    whole([2, 4])[:-1],
    crafted(trun=run_of([2, 4], offset=0)),
    crafted(trun=run_of([2, 400], offset=90)),
    crafted(trun=run_of([2], offset=90, count=1 << 31)),
    crafted(trun=bytes(4) + (0xFFFFFFFF).to_bytes(4)),
    crafted(trun=b""),
    crafted(trun=run_of([], offset=90)),
    crafted(trun=run_of([2], offset=90), tfdt=b"\2" + bytes(11)),
    crafted(trun=run_of([2], offset=90), tfdt=bytes(4)),
    crafted(trun=run_of([2], offset=90), tfhd=bytes(3)),
    box(b"moof", b"") + box(b"mdat", b""),
    b"\0\0\0\1moof" + b"\xff" * 8,
    b"\0\0\0\3moof",
])  # fmt: skip
def test_a_fragment_that_lies_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_fragment(data)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_bytes_are_changed_the_answer_is_a_fragment_or_malformed(data: st.DataObject) -> None:
    mutated = bytearray(whole([2, 4]))
    for _ in range(data.draw(st.integers(1, 6))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    try:
        fragment = read_fragment(bytes(mutated))
    except MalformedError:
        return
    assert isinstance(fragment, Fragment)
    last = fragment.first_sample_at + sum(sample.size_bytes for sample in fragment.samples)
    assert last <= len(mutated)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_noise_is_malformed_or_incomplete_but_never_an_accident(noise: bytes) -> None:
    with pytest.raises(MalformedError):
        split(noise)
    with pytest.raises(MalformedError):
        codec_string(noise)
