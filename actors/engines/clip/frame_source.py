"""Frames for a list of moments, by one of three strategies."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from actors.engines.clip.first_picture import decoded
from actors.engines.clip.media_file import MediaFile
from actors.engines.clip.sampling import MAX_DECODED_PX, Moment, Strategy, Survey

Tick = Callable[[float], None]
"""Called often, with the time in the clip that was reached: nothing here is silent for long."""
Sample = tuple[float, VideoFrame, tuple[Moment, ...]]
"""A frame, its time in seconds from the start of the clip, and the moments that it serves."""

SURVEY_BYTES = 512 << 20


def survey(media: MediaFile, tick: Tick) -> Survey | None:
    """Read the main stream's packets without decoding; None for a file too large to read twice."""
    if media.container.size > SURVEY_BYTES:
        return None
    keys, count = [], 0
    for packet in packets(media):
        count += 1
        tick(seconds_of(media, packet.pts))
        if packet.is_keyframe and packet.pts is not None:
            keys.append(seconds_of(media, packet.pts))
    return Survey(tuple(sorted(keys)), count)


def samples(media: MediaFile, moments: Sequence[Moment], strategy: Strategy, tick: Tick) -> Iterator[Sample]:
    """Frames in order of time. A damaged stretch serves nothing; what comes after still does."""
    if strategy is Strategy.EVERY_FRAME:
        return _every_frame(media, moments, tick)
    groups = _sought(media, moments, tick) if strategy is Strategy.SEEK else _read(media, moments, tick)
    return _key_frames(media, groups)


def packets(media: MediaFile) -> Iterator["Packet[VideoStream]"]:
    """The main stream's packets up to the end or the first unreadable one."""
    try:
        for packet in media.demux(media.video):
            if packet.size:  # the last one is empty and flushes the decoder, which we do ourselves
                yield packet
    except MemoryError:
        raise
    except av.FFmpegError:
        return


def frames(media: MediaFile, source: Iterable["Packet[VideoStream]"]) -> Iterator[VideoFrame]:
    """All frames of some packets, the decoder's delayed ones included."""
    for packet in source:
        yield from decoded(packet)
    yield from flushed(media)


def seconds_of(media: MediaFile, pts: int | None) -> float:
    """A timestamp of the main stream as seconds from the start of the clip."""
    start = media.container.start_time or 0
    base = media.video.time_base
    return float(pts * base) - start / av.time_base if pts is not None and base else 0.0


def flushed(media: MediaFile) -> list[VideoFrame]:
    """The frames that the decoder still holds; it can be used again afterwards."""
    context = media.video.codec_context
    try:
        return context.decode(None)
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError):
        return []
    finally:
        context.flush_buffers()


def _every_frame(media: MediaFile, moments: Sequence[Moment], tick: Tick) -> Iterator[Sample]:
    pending, spent_px, last = deque(moments), 0, None
    for frame in frames(media, packets(media)):
        last, at = frame, seconds_of(media, frame.pts)
        tick(at)
        due = tuple(_popped(pending, at))
        if due:
            yield at, frame, due
        spent_px += frame.width * frame.height
        if not pending or spent_px > MAX_DECODED_PX:
            break
    if pending and last is not None:
        yield seconds_of(media, last.pts), last, tuple(pending)


def _popped(pending: deque[Moment], until_seconds: float) -> Iterator[Moment]:
    while pending and pending[0].at_seconds <= until_seconds:
        yield pending.popleft()


_Group = tuple["Packet[VideoStream]", tuple[Moment, ...]]


def _read(media: MediaFile, moments: Sequence[Moment], tick: Tick) -> Iterator[_Group]:
    """Each key frame that some moment wants: it is the last one before them."""
    pending, held = deque(moments), None
    for packet in packets(media):
        tick(seconds_of(media, packet.pts))
        if packet.is_keyframe and packet.pts is not None:
            due = tuple(_popped(pending, seconds_of(media, packet.pts)))
            if due:
                yield held or packet, due
            held = packet
        if not pending:
            return
    if held is not None and pending:
        yield held, tuple(pending)


def _sought(media: MediaFile, moments: Sequence[Moment], tick: Tick) -> Iterator[_Group]:
    start = (media.container.start_time or 0) / av.time_base
    base = float(media.video.time_base or 1)
    for moment in moments:
        tick(moment.at_seconds)
        try:
            media.container.seek(int((moment.at_seconds + start) / base), stream=media.video)
        except av.FFmpegError:
            return
        packet = next((packet for packet in packets(media) if packet.is_keyframe), None)
        if packet is not None:
            yield packet, (moment,)


def _key_frames(media: MediaFile, groups: Iterable[_Group]) -> Iterator[Sample]:
    for packet, due in groups:
        context = media.video.codec_context
        context.flush_buffers()
        frame = next(iter([*decoded(packet), *flushed(media)]), None)
        if frame is not None:
            yield seconds_of(media, packet.pts), frame, due
