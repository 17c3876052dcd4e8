"""The sound of a clip as one unbroken stream of samples that begins with the picture."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.stream import Disposition

SAMPLE_RATE_HZ = 48_000
JITTER_SECONDS = 0.1
"""A smaller step in the times is a container's rounding, a larger one a gap, or sound that comes twice."""
_SILENCE_SAMPLES = 4_096
Samples = npt.NDArray[np.float32]
"""float32 (channels, n), 1.0 is full scale."""


def main_sound(container: InputContainer) -> Any:
    """Return the track to be heard: the default one, else the first that can be decoded; None without any."""
    playable = [one for one in container.streams.audio if _decodable(one)]
    return min(playable, key=lambda one: (not one.disposition & Disposition.default, one.index), default=None)


def _decodable(stream: Any) -> bool:
    context = stream.codec_context
    return context is not None and context.sample_rate > 0 and context.channels > 0


@dataclass(slots=True)
class SoundSource:
    """Reads the samples of a track once."""

    container: InputContainer
    stream: Any
    begin_seconds: Fraction
    """When the picture begins, in the time of the container."""
    most_seconds: float
    """How long the video is: what comes after is not heard."""
    tick: Callable[[float], None]
    """Called for every packet with the seconds that were heard."""
    heard_seconds: float = 0.0
    damaged_packets: int = 0

    @property
    def layout(self) -> str:
        """Mono stays mono; everything else becomes stereo."""
        return "mono" if self.stream.codec_context.channels == 1 else "stereo"

    def samples(self) -> Iterator[Samples]:
        """Blocks of samples at 48 kHz without a gap, the first of which is heard with the first picture."""
        heard, most = 0, round(self.most_seconds * SAMPLE_RATE_HZ)
        for at, block in self._timed():
            begin = heard if at is None else round((at - self.begin_seconds) * SAMPLE_RATE_HZ)
            if heard and abs(begin - heard) < JITTER_SECONDS * SAMPLE_RATE_HZ:
                begin = heard
            for silence in _silence(min(begin, most) - heard, block.shape[0]):
                heard += silence.shape[1]
                yield silence
            rest = block[:, max(0, heard - begin) : max(0, most - begin)]
            if rest.shape[1] and begin < most:
                heard += rest.shape[1]
                yield rest
            self.heard_seconds = heard / SAMPLE_RATE_HZ
            if heard >= most:
                return

    def _timed(self) -> Iterator[tuple[Fraction | None, Samples]]:
        """Decoded blocks in the form that is wanted, each with the time of its source."""
        resampler, form = None, None
        for frame in self._frames():
            if (frame.sample_rate, frame.layout.name, frame.format.name) != form:
                form = (frame.sample_rate, frame.layout.name, frame.format.name)
                resampler = av.AudioResampler("fltp", self.layout, SAMPLE_RATE_HZ)
            at = None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
            frame.pts = None  # we keep the time ourselves: the resampler would refuse a step back
            for piece in resampler.resample(frame) if resampler else ():
                array: Any = piece.to_ndarray()
                yield at, np.asarray(array, np.float32)
                at = None

    def _frames(self) -> Iterator[AudioFrame]:
        try:
            for packet in self.container.demux(self.stream):
                self.tick(self.heard_seconds)
                try:
                    yield from packet.decode()
                except MemoryError:
                    raise
                except (av.FFmpegError, ValueError):
                    self.damaged_packets += 1
        except MemoryError:
            raise
        except av.FFmpegError:
            return


def _silence(samples: int, channels: int) -> Iterator[Samples]:
    while samples > 0:
        count = min(samples, _SILENCE_SAMPLES)
        samples -= count
        yield np.zeros((channels, count), np.float32)
