"""Clips for tests, made with libav when a test asks for them: small, quick, and odd in one way each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]
Size = tuple[int, int]
AUDIO_RATE_HZ = 48_000
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (235, 235, 235)


def corners(size: Size, index: int = 0) -> Rgb:
    """Red top left, green top right, blue bottom left, white bottom right, and a moving texture between."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    texture = (96 + 40 * np.sin((x + 3 * index) / 5) + 40 * np.cos((y - 2 * index) / 7)).astype(np.uint8)
    picture = np.repeat(texture[..., None], 3, axis=2)
    down, right = height // 4, width // 4
    picture[:down, :right], picture[:down, -right:] = RED, GREEN
    picture[-down:, :right], picture[-down:, -right:] = BLUE, WHITE
    return picture


def black_then_corners(black_frames: int) -> Callable[[Size, int], Rgb]:
    """A black beginning."""
    return lambda size, index: corners(size, index) * np.uint8(index >= black_frames)


def flat(size: Size, index: int = 0) -> Rgb:
    """A blank grey picture."""
    return np.full((size[1], size[0], 3), 128, np.uint8)


def stored_for(displayed: Rgb, rotation_degrees: int, *, mirrored: bool) -> Rgb:
    """The picture to store so that a flip and then a clockwise turn show `displayed`."""
    turned_back = np.rot90(displayed, rotation_degrees // 90)
    return np.ascontiguousarray(turned_back[:, ::-1] if mirrored else turned_back)


def display_matrix(rotation_degrees: int, *, mirrored: bool) -> list[int]:
    """The matrix of "flip left to right, then turn clockwise" in libav's fixed point."""
    angle, flip = radians(rotation_degrees), -1 if mirrored else 1
    a, b, c, d = flip * cos(angle), flip * sin(angle), -sin(angle), cos(angle)
    return [round(a * 65536), round(b * 65536), 0, round(c * 65536), round(d * 65536), 0, 0, 0, 1 << 30]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What to write. `size` is the displayed one; `paint(size, index)` gives the displayed picture."""

    size: Size = (160, 120)
    frames: int = 30
    fps: int = 30
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    format: str | None = None
    paint: Callable[[Size, int], Rgb] = corners
    rotation_degrees: int = 0
    mirrored: bool = False
    pixel_aspect: Fraction | None = None
    gop: int = 15
    ticks: Sequence[int] | None = None
    """Presentation times in units of 1/fps, if not 0, 1, 2, ..."""
    color: tuple[int, int, int] | None = None
    """Primaries, transfer and matrix in the numbers of ITU-T H.273."""
    audio_codec: str | None = "aac"
    video: bool = True
    tags: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    """Of the muxer."""
    codec_options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast"})

    def write(self, path: Path) -> Path:
        """Write the clip and return its path."""
        with av.open(path, "w", format=self.format, options=self.options) as container:
            container.metadata.update(self.tags)
            video = self._video_stream(container) if self.video else None
            audio = self._audio_stream(container)
            if video is not None:
                self._write_video(container, video)
            if audio is not None:
                self._write_audio(container, audio)
        return path

    def _video_stream(self, container: Any) -> Any:
        options = self.codec_options if self.codec.startswith("libx26") else {}
        stream = container.add_stream(self.codec, rate=self.fps, options=options)
        width, height = self.size
        if self.rotation_degrees in {90, 270}:
            width, height = height, width
        stream.width, stream.height, stream.pix_fmt = width, height, self.pix_fmt
        stream.codec_context.gop_size = self.gop
        stream.codec_context.time_base = Fraction(1, self.fps)
        if self.pixel_aspect:
            stream.codec_context.sample_aspect_ratio = self.pixel_aspect
        if self.color:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace = self.color
        if self.rotation_degrees or self.mirrored:
            stream.set_display_matrix(display_matrix(self.rotation_degrees, mirrored=self.mirrored))
        return stream

    def _audio_stream(self, container: Any) -> Any:
        return container.add_stream(self.audio_codec, rate=AUDIO_RATE_HZ) if self.audio_codec else None

    def _write_video(self, container: Any, stream: Any) -> None:
        for index in range(self.frames):
            displayed = self.paint(self.size, index)
            stored = stored_for(displayed, self.rotation_degrees, mirrored=self.mirrored)
            frame = av.VideoFrame.from_ndarray(stored, "rgb24").reformat(format=self.pix_fmt)
            if self.color:
                frame.color_primaries, frame.color_trc, frame.colorspace = self.color
            frame.pts = self.ticks[index] if self.ticks else index
            frame.time_base = Fraction(1, self.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    def _write_audio(self, container: Any, stream: Any) -> None:
        size = stream.codec_context.frame_size or 1024
        for start in range(0, int(AUDIO_RATE_HZ * self.frames / self.fps), size):
            times = np.arange(start, start + size) / AUDIO_RATE_HZ
            tone = (0.2 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), "fltp", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE_HZ, start, Fraction(1, AUDIO_RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def claim_size(path: Path, true_size: Size, claimed: Size) -> Path:
    """Make the sample description of an MP4 lie about the size of its picture."""
    data = path.read_bytes()
    true_bytes = b"".join(side.to_bytes(2) for side in true_size)
    if data.count(true_bytes) != 1:
        raise ValueError("the size is not where it was expected")
    path.write_bytes(data.replace(true_bytes, b"".join(side.to_bytes(2) for side in claimed)))
    return path


def cut(path: Path, share: float) -> Path:
    """Keep only the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def in_a_row(path: Path, *pieces: Clip) -> Path:
    """Clips without sound in one stream, as a recorder writes it that changes its mode midway."""
    with av.open(path, "w") as container:
        stream, begin = None, Fraction(0)
        for number, piece in enumerate(pieces):
            with av.open(piece.write(path.with_name(f"{path.stem}-{number}.ts"))) as source:
                stream = stream or container.add_stream_from_template(source.streams.video[0])
                packets: list[Any] = [one for one in source.demux(video=0) if one.size]
            shift = round(begin / packets[0].time_base) - packets[0].dts
            for packet in packets:
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                container.mux(packet)
            begin += Fraction(piece.frames, piece.fps)
    return path
