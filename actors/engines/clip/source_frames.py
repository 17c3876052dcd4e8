"""The frames of a clip from a moment on, in order, however badly it can be sought in or decoded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from actors.engines.clip.frame_source import flushed, packets, seconds_of
from actors.engines.clip.media_file import MediaFile, open_media
from actors.engines.encoding.deinterlace import deinterlaced
from actors.engines.errors import BadMedia, Refusal
from subjects.warning import WarningCode

MARGINS_SECONDS = (0.5, 5.0, 20.0, 80.0, 320.0, 1280.0)
"""How long before a moment the search for a key frame begins: indexes hold decode times, or guesses. Streams
without an index are read from there on, so each is tried with a few times what the last one cost."""
GROWTH = 16
USUAL_PX = 1920 * 1200
"""Calls grow from a quarter of a side to the whole, or to what most screens have. Pictures that grow beyond
both were no part of what the clip was said to cost."""
Timed = tuple[Fraction, VideoFrame]
"""A frame and its time in seconds from the first frame of the clip."""


@dataclass(slots=True)
class Damage:
    """What could not be decoded."""

    packets: int = 0
    pictures: int = 0

    @property
    def warnings(self) -> tuple[WarningCode, ...]:
        """As codes; nothing for a clip without damage."""
        return (WarningCode.DAMAGED_PICTURES,) if self.packets or self.pictures else ()


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first frame that can be decoded: the time from which all others count."""

    pts: int
    frame: VideoFrame
    time_base: Fraction


@dataclass(slots=True)
class SourceFrames:
    """Reads one clip; each method opens it anew, which costs 2 ms and forgets what went wrong before."""

    path: Path
    max_picture_px: int
    tick: Callable[[float], None]
    """Called for every packet with its time, also those that only lead to the first frame wanted."""
    damage: Damage = field(default_factory=Damage)
    ended_seconds: float | None = None
    """When the last frame was shown, once there are no more."""

    def beginning(self) -> Beginning:
        """Decode the first frame. Raises BadMedia, `no_frames` when there is none."""
        with self._open() as media:
            for frame in _Decoder(media, self.tick).frames():
                base = frame.time_base or media.video.time_base or Fraction(1)
                return Beginning(_pts(frame) or 0, frame, base)
        raise BadMedia(Refusal.NO_FRAMES)

    def since(self, at_seconds: Fraction, beginning: Beginning) -> Iterator[Timed]:
        """Frames in order, of which the first is shown at that moment or, at the clip's begin, after it.

        Pictures far larger than the first one and than the header says are damage: they are not decoded.
        """
        first_px = beginning.frame.width * beginning.frame.height
        for margin in MARGINS_SECONDS if at_seconds > 0 else ():
            with self._open(first_px) as media:
                yielded = False
                if _sought(media, beginning, float(at_seconds) - margin):
                    for timed in self._run(media, beginning, at_seconds):
                        yielded = True
                        yield timed
                if yielded:
                    return
        with self._open(first_px) as media:
            yield from self._run(media, beginning, None)

    def _run(self, media: MediaFile, beginning: Beginning, by: Fraction | None) -> Iterator[Timed]:
        """All frames from where the container stands; none when the first key frame comes after `by`."""
        decoder = _Decoder(media, self._tick)
        frames = decoder.frames()
        if by is not None:
            frames = decoder.from_key(frames, lambda frame: _seconds(frame, beginning) > by)
        last = None
        for frame in deinterlaced(frames, beginning.time_base):
            last = _seconds(frame, beginning, last or Fraction(0))
            self.damage = decoder.damage
            yield last, frame
        self.damage = decoder.damage
        self.ended_seconds = None if last is None else float(last)

    def _tick(self, at_seconds: float) -> None:
        self.tick(at_seconds)  # looked up each time: what it reports changes on the way

    @contextmanager
    def _open(self, first_px: int | None = None) -> Iterator[MediaFile]:
        with open_media(self.path, self.max_picture_px) as media:
            context = media.video.codec_context
            context.thread_count, context.thread_type = 0, "AUTO"
            if first_px is not None:
                known_px = max(first_px, context.width * context.height)
                most_px = min(self.max_picture_px, max(known_px * GROWTH, USUAL_PX))
                context.options = {"max_pixels": str(most_px)}
            yield media


@dataclass(slots=True)
class _Decoder:
    media: MediaFile
    tick: Callable[[float], None]
    damage: Damage = field(default_factory=Damage)

    def frames(self) -> Iterator[VideoFrame]:
        """Everything that can be decoded from where the container stands."""
        for packet in packets(self.media):
            self.tick(seconds_of(self.media, packet.pts))
            self.damage.packets += packet.is_corrupt
            yield from self._counted(self._decoded(packet))
        yield from self._counted(flushed(self.media))

    def _decoded(self, packet: "Packet[VideoStream]") -> list[VideoFrame]:
        try:
            return packet.decode()
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            self.damage.packets += 1
            return []

    def _counted(self, frames: list[VideoFrame]) -> Iterator[VideoFrame]:
        for frame in frames:
            self.damage.pictures += frame.is_corrupt
            yield frame

    def from_key(
        self, frames: Iterator[VideoFrame], late: Callable[[VideoFrame], bool]
    ) -> Iterator[VideoFrame]:
        """The frames from the first key frame on, none when that is late.

        What precedes it after a jump was predicted from frames that were never seen: it is no damage.
        """
        found = False
        for frame in frames:
            if not found and late(frame):
                return
            if not found and frame.key_frame:
                found, self.damage = True, Damage(pictures=int(frame.is_corrupt))
            if found:
                yield frame


def _sought(media: MediaFile, beginning: Beginning, at_seconds: float) -> bool:
    if at_seconds <= 0:
        return False
    base = media.video.time_base or Fraction(1)
    target = round(beginning.pts * beginning.time_base / base + Fraction(at_seconds) / base)
    try:
        media.container.seek(target, stream=media.video)
    except av.FFmpegError:
        return False
    return True


def _pts(frame: VideoFrame) -> int | None:
    return frame.pts if frame.pts is not None else frame.dts


def _seconds(frame: VideoFrame, beginning: Beginning, last: Fraction = Fraction(0)) -> Fraction:
    pts = _pts(frame)
    if pts is None:
        return last
    return pts * (frame.time_base or beginning.time_base) - beginning.pts * beginning.time_base
