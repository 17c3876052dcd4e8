"""Whether the pictures of a clip decode, and stay alike: looked at before they are packaged as they are.

A container may be sound though what it holds was overwritten. libav conceals that, and marks the picture; a
player may show blocks, or stop. A clip may also begin with whole pictures and go on with interlaced ones, or
larger ones. Everything is decoded while the budget lasts; of a longer clip, parts of it that are evenly
spread, each from a key frame. Loop filters are left out: they change how it looks, not whether it decodes,
and take a third of the time.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import av
from av.video.frame import VideoFrame

from actors.engines.clip.frame_source import flushed, packets, seconds_of
from actors.engines.clip.media_file import MediaFile, open_media

PARTS: Final = 12
"""Of a clip: each gets its share of what is left of the budget."""


class Fault(StrEnum):
    """Why pictures cannot be shown as they are."""

    DAMAGED = "pictures are damaged"
    INTERLACED = "pictures are interlaced"
    CHANGED = "pictures change their size or format"


def find_fault(
    path: Path, max_picture_px: int, duration_seconds: float, cpu_seconds: float, tick: Callable[[], None]
) -> Fault | None:
    """Return what is wrong with any picture that could be looked at within this processor time.

    `tick` is called for every picture. Raises BadMedia when the clip cannot be opened.
    """
    with open_media(path, max_picture_px) as media:
        context = media.video.codec_context
        context.thread_count = 1  # a picture may leave threads before it is marked
        context.options = {"skip_loop_filter": "all"}
        return _Look(media, duration_seconds / PARTS, tick).find_fault(cpu_seconds)


@dataclass(slots=True)
class _Look:
    media: MediaFile
    part_seconds: float
    tick: Callable[[], None]
    now: Callable[[], float] = time.process_time
    reached: float = 0.0
    """The time of the last picture that was seen."""
    kind: tuple[int, int, str] | None = None
    pictures: Iterator[VideoFrame | None] = field(default_factory=lambda: iter(()))

    def find_fault(self, cpu_seconds: float) -> Fault | None:
        """Look at part after part; one that is not finished is left for the next."""
        ends_at = self.now() + cpu_seconds
        self.pictures = self._decoded()
        for part in range(PARTS):
            begin, left = part * self.part_seconds, max(0.0, ends_at - self.now())
            if begin > self.reached and part:
                self._seek(begin)
            until = self.now() + left / (PARTS - part)
            fault = self._fault_before(begin + self.part_seconds, until)
            if fault is not None:
                return fault
        return None

    def _fault_before(self, end_seconds: float, until: float) -> Fault | None:
        """Look until this moment of the clip, or of the processor's time."""
        for frame in self.pictures:
            self.tick()
            if frame is None or frame.is_corrupt:
                return Fault.DAMAGED
            if frame.interlaced_frame:
                return Fault.INTERLACED
            kind = (frame.width, frame.height, frame.format.name)
            self.kind = self.kind or kind
            if self.kind != kind:
                return Fault.CHANGED
            self.reached = max(self.reached, seconds_of(self.media, frame.pts))
            if self.reached >= end_seconds or self.now() > until:
                return None
        return None

    def _seek(self, at_seconds: float) -> None:
        """Go on from the key frame before a moment; from where it stands where it cannot be sought."""
        base, start = float(self.media.video.time_base or 1), (self.media.container.start_time or 0)
        try:
            target = int((at_seconds + start / av.time_base) / base)
            self.media.container.seek(target, stream=self.media.video)
        except av.FFmpegError:
            return
        self.media.video.codec_context.flush_buffers()
        self.pictures = self._from_key()

    def _from_key(self) -> Iterator[VideoFrame | None]:
        """Leave out what was predicted from pictures before the jump: it looks damaged, and is not."""
        found = False
        for frame in self._decoded():
            found = found or (frame is not None and frame.key_frame)
            if found:
                yield frame

    def _decoded(self) -> Iterator[VideoFrame | None]:
        """Yield pictures, and None for a packet that gives an error."""
        for packet in packets(self.media):
            try:
                yield from packet.decode()
            except MemoryError:
                raise
            except (av.FFmpegError, ValueError):
                yield None
        yield from flushed(self.media)
