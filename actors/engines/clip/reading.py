"""A clip read to its end, not decoded: when its pictures are shown, and whether its container is sound."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import av

from actors.engines.clip.cadence import Packet
from actors.engines.clip.first_picture import loud_libav
from actors.engines.clip.frame_source import seconds_of
from actors.engines.clip.media_file import MediaFile
from actors.engines.sandbox.job_wire import Report
from subjects.warning import WarningCode

_UNEXPECTED_END_SECONDS: Final = 1.0
_UNREAD_SHARE: Final = 0.05
_UNREAD_BYTES: Final = 16 << 10
_STREAM_FORMAT: Final = "mpegts"
"""Announces no length, and has nothing behind its last packet."""


def announced_seconds(media: MediaFile) -> Fraction:
    """Return how long the header says that the clip is; 0 when it says nothing."""
    return Fraction(max(media.container.duration or 0, 0), av.time_base)


@dataclass(slots=True)
class Reading:
    """One reading of a clip. What it says of the container is known when all packets were taken."""

    media: MediaFile
    report: Report
    damaged: bool = field(default=False, init=False)
    _last_byte: int = field(default=0, init=False)
    _ends: dict[int, int] = field(default_factory=dict, init=False)
    """When the last of each stream ends, in its ticks: fractions for each packet would take the most time."""

    def timed(self) -> Iterator[Packet]:
        """Yield what is shown, by its packets. Those that an edit hides are decoded, but nobody sees them."""
        main, start = self.media.video.index, seconds_of(self.media, 0)
        base = float(self.media.video.time_base or 0)
        whole_seconds, share = max(float(announced_seconds(self.media)), 1.0), 0.0
        for packet in self._packets():
            at = packet.pts if packet.pts is not None else packet.dts
            self._note(packet, at)
            if packet.stream_index == main and at is not None:
                share = min(1.0, max(0.0, (at * base + start) / whole_seconds))
                if not packet.is_discard:
                    yield Packet(at, packet.duration or 0, packet.is_keyframe)
            self.report(share, "looking at every frame")

    @property
    def ends_seconds(self) -> float:
        """When what is heard or seen ends, whichever lasts longer; 0 before anything was read."""
        start = Fraction(self.media.container.start_time or 0, av.time_base)
        bases = {index: self.media.container.streams[index].time_base or Fraction(0) for index in self._ends}
        return max([0.0, *(float(end * bases[index] - start) for index, end in self._ends.items())])

    @property
    def warnings(self) -> tuple[WarningCode, ...]:
        """What is wrong with the container."""
        missing = float(announced_seconds(self.media)) - self.ends_seconds
        if missing > _UNEXPECTED_END_SECONDS or self._is_unread:
            return (WarningCode.TRUNCATED,)
        return (WarningCode.DAMAGED_PICTURES,) if self.damaged else ()

    @property
    def _is_unread(self) -> bool:
        """Whether much of a transport stream holds no packets."""
        unread = self.media.container.size - self._last_byte
        formats = self.media.container.format.name.split(",")
        most = max(_UNREAD_BYTES, self.media.container.size * _UNREAD_SHARE)
        return _STREAM_FORMAT in formats and unread > most

    def _note(self, packet: Any, at: int | None) -> None:
        self._last_byte = max(self._last_byte, (packet.pos or 0) + packet.size)
        self.damaged |= packet.is_corrupt and packet.stream_index == self.media.video.index
        if at is not None:
            end = at + (packet.duration or 0)
            self._ends[packet.stream_index] = max(self._ends.get(packet.stream_index, end), end)

    def _packets(self) -> Iterator[Any]:
        """Yield packets of pictures and sound up to the end or the first unreadable one.

        A demuxer goes on behind what it cannot read, and says so in the log alone.
        """
        sounds = [one for one in self.media.container.streams.audio if one.codec_context is not None]
        with loud_libav() as said:
            try:
                for packet in self.media.demux([self.media.video, *sounds]):
                    if packet.size:  # the last one of each stream is empty and flushes its decoder
                        yield packet
            except MemoryError:
                raise
            except av.FFmpegError:
                self.damaged = True
        self.damaged |= any(name == self.media.container.format.name for _, name, _ in said)
