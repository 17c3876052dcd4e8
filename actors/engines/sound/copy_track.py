"""AAC packets of a source, copied: their times become exact counts of samples."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet

from actors.engines.cmaf.remux import RemuxRequest
from actors.engines.sound.audio import Sound
from actors.engines.sound.clock import GAP_SECONDS, SoundClock
from actors.engines.sound.facts import SoundFacts
from actors.engines.sound.writer import SoundWriter

_FRAME_SAMPLES = 1_024
_MOST_CHANNELS = 2
_PACKETS_TRIED = 48
"""About a second is decoded: a track of which that gives nothing is dead, or no AAC."""
_EARLY_SECONDS = 0.5
"""How much earlier than the picture copied sound may end: players wait for sound that does not come."""


@dataclass(slots=True)
class SoundCopy:
    """Use it in `with`; after `finish` the files are complete."""

    facts: SoundFacts
    stream: Any
    request: RemuxRequest
    begin_seconds: Fraction
    _clock: SoundClock = field(init=False)
    _writer: SoundWriter = field(init=False)
    _filter: BitStreamFilterContext | None = field(default=None, init=False)
    _configured: bytes | None = field(default=None, init=False)
    _tried: int = field(default=0, init=False)
    _decoded: bool = field(default=False, init=False)
    _broken: bool = field(default=False, init=False)

    @classmethod
    def opened(
        cls, facts: SoundFacts, stream: Any, request: RemuxRequest, begin_seconds: Fraction
    ) -> "SoundCopy | None":
        """None for what not every player takes as it is: it has to be AAC-LC, stereo at most."""
        context = stream.codec_context
        fit = (
            context.codec.canonical_name == "aac"
            and context.profile == "LC"
            and context.channels <= _MOST_CHANNELS
        )
        return cls(facts, stream, request, begin_seconds) if fit else None

    def __enter__(self) -> Self:
        folder = Path(self.request.out_dir) / self.facts.rendition
        self._clock = SoundClock(self.stream.codec_context.sample_rate)
        self._writer = SoundWriter(folder, self.request.longest_segment_seconds)
        self._writer.__enter__()
        if self.stream.codec_context.extradata:
            self._configured = bytes(self.stream.codec_context.extradata)
            self._writer.copy_of(self.stream, self._configured)
        else:  # ADTS: its headers become the configuration
            self._filter = BitStreamFilterContext("aac_adtstoasc", self.stream)
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.__exit__(None, None, None)

    def add(self, packet: "Packet[Any]") -> None:
        """Take the next packet; nothing is copied any more once the sound turned out to be broken."""
        if self._broken:
            return
        self._try(packet)
        try:
            for bare in self._filter.filter(packet) if self._filter is not None else (packet,):
                self._configure(bare)
                self._place(bare)
        except av.FFmpegError:
            self._broken = True

    def finish(self) -> Sound | None:
        """Close the files, and say what was made; None for sound that has to be encoded.

        It is dead, or broken, or ends well before the picture: then silence has to be put where it lacks.
        """
        track = self._writer.finish(self.facts.rendition)
        end_seconds = (self._clock.next or 0) / self._clock.rate_hz
        is_short = end_seconds < self.request.duration_seconds - _EARLY_SECONDS
        if track is None or self._broken or not self._decoded or is_short:
            return None
        context = self.stream.codec_context
        return Sound(
            facts=self.facts, track=track, sample_rate_hz=context.sample_rate, channels=context.channels
        )

    def _try(self, packet: "Packet[Any]") -> None:
        if self._decoded or self._tried >= _PACKETS_TRIED:
            return
        self._tried += 1
        try:
            self._decoded = bool(packet.decode())
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            return

    def _configure(self, packet: "Packet[Any]") -> None:
        told = packet.get_sidedata("new_extradata") if packet.has_sidedata("new_extradata") else None
        if told is None:
            return
        if self._configured is None:
            self._configured = bytes(told)
            self._writer.copy_of(self.stream, self._configured)
        self._broken = self._broken or self._configured != bytes(told)

    def _place(self, packet: "Packet[Any]") -> None:
        """Give a packet its time. One that steps back is dropped, a gap cannot be copied."""
        clock, told = self._clock, None
        if packet.pts is not None and packet.time_base is not None:
            told = round((packet.pts * packet.time_base - self.begin_seconds) * clock.rate_hz)
        begin = clock.begin(told)
        last = clock.next if clock.next is not None else min(begin, 0)
        if begin < last or begin >= self.request.duration_seconds * clock.rate_hz:
            return
        self._broken = self._broken or begin - max(last, 0) >= GAP_SECONDS * clock.rate_hz
        clock.heard(begin + _FRAME_SAMPLES)
        packet.time_base = Fraction(1, clock.rate_hz)
        packet.pts = packet.dts = begin
        packet.duration = _FRAME_SAMPLES
        self._writer.mux(packet)
