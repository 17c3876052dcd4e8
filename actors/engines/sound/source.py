"""The sound of a clip as one unbroken stream of samples that begins and ends with the picture."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.packet import Packet

from actors.engines.sound.clock import SoundClock

SAMPLE_RATE_HZ = 48_000
_SILENCE_SAMPLES = 4_096
Samples = npt.NDArray[np.float32]
"""float32 (channels, n), 1.0 is full scale."""


@dataclass(slots=True)
class SoundSource:
    """Makes samples of the packets of one track, at 48 kHz and without a gap.

    The first sample is heard with the first picture: what comes before is cut, what lacks is silence. So is
    the end: sound beyond the picture is not heard, and where it ends earlier silence follows, because players
    wait for sound as long as there is a picture.
    """

    stream: Any
    begin_seconds: Fraction
    """When the picture begins, in the time of the container."""
    most_seconds: float
    """How long the video is."""
    damaged_packets: int = 0
    decoded_samples: int = field(default=0, init=False)
    """Of those that are heard; none of a track that is dead."""
    _heard: int = field(default=0, init=False)
    _clock: SoundClock = field(default_factory=lambda: SoundClock(SAMPLE_RATE_HZ), init=False)
    _resampler: Any = field(default=None, init=False)
    _form: tuple[int, str, str] | None = field(default=None, init=False)

    @property
    def layout(self) -> str:
        """Mono stays mono; everything else becomes stereo."""
        return "mono" if self.stream.codec_context.channels == 1 else "stereo"

    @property
    def heard_seconds(self) -> float:
        """How much there is so far."""
        return self._heard / SAMPLE_RATE_HZ

    @property
    def is_whole(self) -> bool:
        """Whether there is sound up to the end of the picture."""
        return self._heard >= self._most

    def samples(self, packet: "Packet[Any] | None") -> Iterator[Samples]:
        """Yield the blocks of a packet, maybe none; for None, at the end, those that were held back."""
        for frame in self._frames(packet):
            yield from self._placed(*self._timed(frame))
        if packet is None and self._resampler is not None:
            for piece in self._resampler.resample(None):
                yield from self._placed(None, _array(piece))
        if packet is None and self.decoded_samples:
            yield from self._silence_until(self._most)

    @property
    def _most(self) -> int:
        return round(self.most_seconds * SAMPLE_RATE_HZ)

    def _frames(self, packet: "Packet[Any] | None") -> list[AudioFrame]:
        try:
            frames: Any = packet.decode() if packet is not None else self.stream.codec_context.decode(None)
            return list(frames)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            self.damaged_packets += packet is not None
            return []

    def _timed(self, frame: AudioFrame) -> tuple[int | None, Samples]:
        """Return the samples of a frame in the form that is wanted, and when its container says it begins."""
        form = (frame.sample_rate, frame.layout.name, frame.format.name)
        if form != self._form:
            self._form = form
            self._resampler = av.AudioResampler("fltp", self.layout, SAMPLE_RATE_HZ)
        told = None
        if frame.pts is not None and frame.time_base is not None:
            told = round((frame.pts * frame.time_base - self.begin_seconds) * SAMPLE_RATE_HZ)
        frame.pts = None  # we keep the time ourselves: the resampler would refuse a step back
        pieces = [_array(piece) for piece in self._resampler.resample(frame)]
        return told, np.concatenate(pieces, axis=1) if pieces else np.zeros((self._channels, 0), np.float32)

    @property
    def _channels(self) -> int:
        return 1 if self.layout == "mono" else 2

    def _placed(self, told: int | None, block: Samples) -> Iterator[Samples]:
        begin = self._clock.begin(told)
        self._clock.heard(begin + block.shape[1])
        yield from self._silence_until(min(begin, self._most))
        rest = block[:, max(0, self._heard - begin) : max(0, self._most - begin)]
        if rest.shape[1] and begin < self._most:
            self._heard += rest.shape[1]
            self.decoded_samples += rest.shape[1]
            yield rest

    def _silence_until(self, end: int) -> Iterator[Samples]:
        while self._heard < end:
            count = min(end - self._heard, _SILENCE_SAMPLES)
            self._heard += count
            yield np.zeros((self._channels, count), np.float32)


def _array(piece: AudioFrame) -> Samples:
    return np.asarray(piece.to_ndarray(), np.float32)
