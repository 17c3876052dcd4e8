"""Clips in which a flash of the picture and a click of the sound come at one moment."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
FPS = 30
FLASH_SECONDS = 2.0
_CHANNELS = {"mono": 1, "stereo": 2, "5.1": 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A track of sound: a tone, and a click with the flash."""

    codec: str = "aac"
    rate: int = 48_000
    layout: str = "stereo"
    level: float = 0.02
    language: str | None = None
    title: str | None = None
    begin_seconds: float = 0.0
    end_seconds: float = 6.0
    bitrate_bps: int = 128_000

    def block(self, start: int, count: int) -> Floats:
        """Samples from one of the clip's on: float32 (channels, count)."""
        times = (start + np.arange(count)) / self.rate
        tone = self.level * np.sin(2 * np.pi * 330 * times)
        clicked = tone + 0.8 * (np.abs(times - FLASH_SECONDS) < 0.001)
        return np.stack([clicked.astype(np.float32)] * _CHANNELS[self.layout])


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """Pictures with tracks of sound; the first track is the default one."""

    voices: Sequence[Voice] = (Voice(),)
    seconds: float = 6.0
    codec: str = "libx264"
    codec_options: tuple[tuple[str, str], ...] = (("preset", "ultrafast"),)
    options: tuple[tuple[str, str], ...] = ()
    """Of the muxer."""
    offset_seconds: float = 0.0
    """By how much all times are later."""

    def write(self, path: Path) -> Path:
        """Write the clip, its packets in the order of their times, and return its path."""
        with av.open(path, "w", options=dict(self.options)) as container:
            video: Any = container.add_stream(self.codec, rate=FPS, options=dict(self.codec_options))
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            video.codec_context.gop_size = FPS
            streams = [self._stream(container, voice, number) for number, voice in enumerate(self.voices)]
            packets = self._pictures(video)
            for stream, voice in zip(streams, self.voices, strict=True):
                packets += self._sounds(stream, voice)
            for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
                container.mux(packet)
        return path

    def _stream(self, container: Any, voice: Voice, number: int) -> Any:
        stream = container.add_stream(voice.codec, rate=voice.rate, layout=voice.layout)
        stream.bit_rate = voice.bitrate_bps
        stream.disposition = av.stream.Disposition.default if number == 0 else av.stream.Disposition(0)
        told = {"language": voice.language, "title": voice.title, "handler_name": voice.title}
        stream.metadata.update({key: text for key, text in told.items() if text})
        return stream

    def _pictures(self, stream: Any) -> list[Any]:
        packets = []
        for index in range(round(self.seconds * FPS)):
            light = 235 if index == round(FLASH_SECONDS * FPS) else 16 + index % 7
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), light, np.uint8), "rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = index + round(self.offset_seconds * FPS), Fraction(1, FPS)
            packets += stream.encode(frame)
        return packets + stream.encode(None)

    def _sounds(self, stream: Any, voice: Voice) -> list[Any]:
        context, packets = stream.codec_context, []
        size = context.frame_size or 1_024
        shift = round(self.offset_seconds * voice.rate)
        resampler = av.AudioResampler(context.format.name, voice.layout, voice.rate, frame_size=size)
        begin, end = (round(at * voice.rate) for at in (voice.begin_seconds, voice.end_seconds))
        for start in range(begin, end, size):
            frame = av.AudioFrame.from_ndarray(voice.block(start, size), "fltp", voice.layout)
            frame.sample_rate, frame.time_base = voice.rate, Fraction(1, voice.rate)
            frame.pts = start + shift
            for piece in resampler.resample(frame):
                packets += stream.encode(piece)
        return packets + stream.encode(None)


def flash_seconds(data: bytes) -> float:
    """When the brightest picture is shown, in the time of its container."""
    with av.open(io.BytesIO(data)) as container:
        shown = [(frame.to_ndarray(format="gray").mean(), frame) for frame in container.decode(video=0)]
        assert shown
        brightest = max(shown, key=lambda one: one[0])[1]
        assert brightest.pts is not None
        assert brightest.time_base is not None
        return float(brightest.pts * brightest.time_base)


def click_seconds(data: bytes, track: int = 0) -> float:
    """When the loudest sample of a track is heard, in the time of its container."""
    best, at = -1.0, 0.0
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(audio=track):
            planar = frame.format.is_planar
            array = np.abs(frame.to_ndarray().astype(np.float64))
            loud = array.max(axis=0) if planar else array.reshape(-1, len(frame.layout.channels)).max(axis=1)
            if loud.max() > best and frame.pts is not None and frame.time_base is not None:
                best = float(loud.max())
                at = float(frame.pts * frame.time_base) + int(loud.argmax()) / frame.sample_rate
    return at


def kill(path: Path, track: int) -> Path:
    """Overwrite all packets of a track of sound, whose header stays as it is."""
    data = bytearray(path.read_bytes())
    with av.open(io.BytesIO(bytes(data))) as container:
        for packet in container.demux(audio=track):
            if packet.size and packet.pos is not None:
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    return path
