"""Clips that are damaged or lie, each in one way, made from sound ones when a test asks for them."""

import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.media_clips import Clip, Size, cut, in_a_row

Builder = Callable[[Path], Path]
"""Takes an empty folder, returns the clip in it."""

SOUND = Clip(frames=90, gop=15, codec_options={"preset": "ultrafast", "threads": "1"})
"""The same bytes on any number of cores, for damage hits places."""
SILENT = replace(SOUND, audio_codec=None)
SHORT = replace(SILENT, frames=45)
FAST_START = {"movflags": "faststart"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
LINES = replace(SILENT, frames=1, codec_options={"preset": "ultrafast", "x264-params": "tff=1"})
HOURS = 2 * 3600


def written(name: str, clip: Clip = SOUND, *changes: Callable[[Path], Path]) -> Builder:
    """A clip of this name, with what is then done to its file."""
    options = clip.options or (FAST_START if name.endswith(".mp4") else {})
    return changed(lambda folder: replace(clip, options=options).write(folder / name), *changes)


def half(path: Path) -> Path:
    """Without its second half."""
    return cut(path, 0.5)


def noise(path: Path, start_share: float, end_share: float) -> Path:
    """Random bytes over a stretch of the file."""
    data = bytearray(path.read_bytes())
    start, end = int(len(data) * start_share), int(len(data) * end_share)
    data[start:end] = np.random.default_rng(7).bytes(end - start)
    path.write_bytes(data)
    return path


def noise_in_the_middle(path: Path) -> Path:
    return noise(path, 0.5, 0.6)


def noise_to_the_end(path: Path) -> Path:
    return noise(path, 0.5, 1.0)


def packets_of(path: Path) -> list[tuple[int, int]]:
    """Where the packets of the pictures of an MP4 are, and how large."""
    with av.open(path) as container:
        return [(one.pos, one.size) for one in container.streams.video[0].index_entries]


def broken_packets(*numbers: int) -> Callable[[Path], Path]:
    """Random bytes in some packets, behind their beginnings."""

    def change(path: Path) -> Path:
        data = bytearray(path.read_bytes())
        for pos, size in (packets_of(path)[number] for number in numbers):
            start = pos + min(20, size // 2)
            data[start : pos + size] = np.random.default_rng(7).bytes(pos + size - start)
        path.write_bytes(data)
        return path

    return change


def no_first_picture(path: Path) -> Path:
    """Zeros instead of the first packet."""
    pos, size = packets_of(path)[0]
    data = bytearray(path.read_bytes())
    data[pos : pos + size] = bytes(size)
    path.write_bytes(data)
    return path


def empty_last_packets(path: Path) -> Path:
    """The last two samples of an MP4 have no bytes, by its table of sizes (ISO/IEC 14496-12, 8.7.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"stsz") + 4
    count = int.from_bytes(data[at + 8 : at + 12])
    end = at + 12 + 4 * count
    data[end - 8 : end] = bytes(8)
    path.write_bytes(data)
    return path


def announcing(path: Path, seconds: float = 3.0) -> Path:
    """Let a Matroska file say that it lasts so long (RFC 9559, section 5.1.2.10: milliseconds as a float)."""
    data, name = path.read_bytes(), b"\x44\x89\x88"
    place = data.index(name) + len(name)
    path.write_bytes(data[:place] + struct.pack(">d", seconds * 1000) + data[place + 8 :])
    return path


def retimed(name: str, frame_of: Callable[[int], int], clip: Clip = SILENT, **options: str) -> Builder:
    """A clip whose packets have other times: `frame_of(number)` of the packet in frames, growing."""

    def build(folder: Path) -> Path:
        path = folder / name
        plain = clip.write(folder / "plain.mp4")
        with av.open(plain) as source, av.open(path, "w", options=options) as container:
            picture, last = source.streams.video[0], -1
            stream = container.add_stream_from_template(picture)
            ticks = Fraction(1, clip.fps) / (picture.time_base or 1)
            packets: list[Any] = [one for one in source.demux(picture) if one.size]
            for number, packet in enumerate(packets):
                last = max(round(frame_of(number) * ticks), last + 1)
                packet.pts, packet.dts, packet.stream = last, last, stream
                container.mux(packet)
        return path

    return build


def leaping(number: int) -> int:
    """Hours later from the middle on."""
    return number + (HOURS * 30 if number >= 45 else 0)


def twice(number: int) -> int:
    """Each time for two pictures."""
    return number // 2 * 2


def back_in_clusters(path: Path) -> Path:
    """The last clusters of a Matroska file begin again at its beginning (RFC 9559, section 5.1.3.1)."""
    data = bytearray(path.read_bytes())
    places = [at for at in range(len(data) - 16) if data[at : at + 4] == b"\x1f\x43\xb6\x75"]
    for place in places[len(places) // 2 :]:
        at = data.index(b"\xe7", place + 4)
        size = data[at + 1] & 0x7F
        data[at + 2 : at + 2 + size] = bytes(size)
    path.write_bytes(data)
    return path


def changed(build: Builder, *changes: Callable[[Path], Path]) -> Builder:
    """What is built, and then done to its file."""

    def build_changed(folder: Path) -> Path:
        path = build(folder)
        for change in changes:
            change(path)
        return path

    return build_changed


def backward_samples(path: Path) -> Path:
    """Every sample of an MP4 lasts for less than nothing (ISO/IEC 14496-12, 8.6.1.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"stts") + 16
    data[at : at + 4] = (-100).to_bytes(4, signed=True)
    path.write_bytes(data)
    return path


def in_sequence(name: str, *pieces: Clip) -> Builder:
    """Clips of different kinds in one stream."""
    return lambda folder: in_a_row(folder / name, *pieces)


def concatenated(first_begins: int, second_begins: int) -> Builder:
    """Two recordings in one file, as `cat` makes it, which begin at these frames."""

    def build(folder: Path) -> Path:
        path = folder / "a.ts"
        pieces = (
            retimed(f"{begin}.ts", lambda number, begin=begin: begin + number, SHORT)(folder)
            for begin in (first_begins, second_begins)
        )
        path.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
        return path

    return build


def another_stream(folder: Path) -> Path:
    """An FLV of which the last picture is of another codec, and so a stream that its header lacks (E.4.3)."""
    path = SOUND.write(folder / "a.flv")
    tag = bytes((9, 0, 0, 4)) + (3000).to_bytes(3) + bytes(4) + bytes((0x12, 0, 0, 0x84))
    path.write_bytes(path.read_bytes() + tag + (len(tag)).to_bytes(4))
    return path


def of_size(size: Size, **more: Any) -> Clip:
    odd = any(side % 2 for side in size)
    return replace(SHORT, size=size, pix_fmt="yuv444p" if odd else "yuv420p", **more)
