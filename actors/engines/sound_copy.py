"""AAC packets of a source, copied: their times become exact counts of samples."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from av.packet import Packet

from actors.engines.cmaf_track import Track
from actors.engines.remux import RemuxRequest
from actors.engines.sound_source import JITTER_SECONDS
from actors.engines.sound_writer import SoundWriter

_FRAME_SAMPLES = 1_024
_MOST_CHANNELS = 2


@dataclass(slots=True)
class SoundCopy:
    """Use it in `with`; after `finish` the files are complete."""

    stream: Any
    request: RemuxRequest
    begin_seconds: Fraction
    _writer: SoundWriter = field(init=False)
    _next: int | None = field(default=None, init=False)

    @classmethod
    def opened(cls, stream: Any, request: RemuxRequest, begin_seconds: Fraction) -> "SoundCopy | None":
        """None for what not every player takes as it is: it has to be AAC-LC, stereo at most, configured."""
        context = stream.codec_context if stream is not None else None
        fit = (
            context is not None
            and context.codec.canonical_name == "aac"
            and context.profile == "LC"
            and context.channels <= _MOST_CHANNELS
            and context.extradata
        )
        return cls(stream, request, begin_seconds) if fit else None

    def __enter__(self) -> Self:
        folder = Path(self.request.out_dir) / self.request.audio_rendition
        self._writer = SoundWriter(folder, self.request.longest_segment_seconds)
        self._writer.__enter__()
        self._writer.copy_of(self.stream)
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.__exit__(None, None, None)

    def add(self, packet: "Packet[Any]") -> None:
        """Take the next packet; one without a time follows on, one that steps back is dropped."""
        rate = self.stream.codec_context.sample_rate
        begin = self._next or 0
        if packet.pts is not None and packet.time_base is not None:
            told = round((packet.pts * packet.time_base - self.begin_seconds) * rate)
            if self._next is None or abs(told - self._next) > JITTER_SECONDS * rate:
                begin = told
        if self._next is not None and begin < self._next:
            return
        if begin >= self.request.duration_seconds * rate:
            return
        self._next = begin + _FRAME_SAMPLES
        packet.time_base = Fraction(1, rate)
        packet.pts = packet.dts = begin
        packet.duration = _FRAME_SAMPLES
        self._writer.mux(packet)

    def finish(self) -> Track | None:
        """Close the files, and say what was made; None when no packet came."""
        return self._writer.finish(self.request.audio_rendition)
