"""The job of the remuxer: the packets of a clip as CMAF segments, none of them decoded. Runs in the child."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
from av.packet import Packet

from actors.engines.h264_units import is_idr, length_size
from actors.engines.job_wire import Report
from actors.engines.media_file import MediaFile, open_media
from actors.engines.remux import Remuxed, RemuxRequest
from actors.engines.segment_writer import MUXER, Cut, SegmentWriter
from actors.engines.sound_copy import SoundCopy
from actors.engines.sound_source import main_sound
from actors.engines.source_frames import SourceFrames

_COARSEST_TIMESCALE = 90_000


class UnfitError(Exception):
    """Raised when the packets cannot be played as they are."""


def remux(request: RemuxRequest, report: Report) -> Remuxed:
    """Package the clip in one reading, or say why it is unfit. Raises BadMedia when it cannot be opened."""
    report(0.0, "opening the clip")
    path = Path(request.path)
    first = SourceFrames(path, request.max_picture_px, lambda _: report(0.0, "opening the clip")).beginning()
    begin_seconds = first.pts * first.time_base
    try:
        with open_media(path, request.max_picture_px) as media:
            return _packaged(media, request, begin_seconds, report)
    except UnfitError as unfit:
        return Remuxed(unfit=str(unfit))


def _packaged(media: MediaFile, request: RemuxRequest, begin_seconds: Fraction, report: Report) -> Remuxed:
    if media.codec_name != "h264":
        raise UnfitError(f"the codec is {media.codec_name}")
    with ExitStack() as stack:
        pictures = stack.enter_context(PictureCopy.opened(media, request, begin_seconds))
        stream = main_sound(media.container)
        sound = SoundCopy.opened(stream, request, begin_seconds)
        if sound is not None:
            stack.enter_context(sound)
        _copy(media, pictures, sound, lambda at: report(min(1.0, at / request.duration_seconds), "packaging"))
        track = pictures.finish()
        heard = sound.finish() if sound is not None else None
    return Remuxed(
        video=track,
        audio=heard,
        sample_rate_hz=stream.codec_context.sample_rate if heard else None,
        channels=stream.codec_context.channels if heard else None,
        frames=pictures.frames,
    )


def _copy(media: MediaFile, pictures: "PictureCopy", sound: SoundCopy | None, tick: Any) -> None:
    streams = [media.video, *([sound.stream] if sound is not None else [])]
    try:
        for packet in media.container.demux(streams):
            if packet.size == 0:
                continue
            if packet.stream_index == media.video.index:
                tick(pictures.add(packet))
            elif sound is not None:
                sound.add(packet)
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise UnfitError(f"the file cannot be read to its end: {error.strerror}") from error


@dataclass(slots=True)
class PictureCopy:
    """The packets of the pictures, shifted so that the first one is shown at zero."""

    request: RemuxRequest
    template: Any
    base: Fraction
    begin: int
    length_bytes: int | None
    _writer: SegmentWriter = field(init=False)
    _container: Any = field(init=False)
    _stream: Any = field(init=False)
    _last_dts: int | None = field(default=None, init=False)
    _last_key: int = field(default=0, init=False)

    @classmethod
    def opened(cls, media: MediaFile, request: RemuxRequest, begin_seconds: Fraction) -> "PictureCopy":
        """For the main stream of a clip. Raises UnfitError when its header lacks what a player needs."""
        context, base = media.video.codec_context, media.video.time_base
        if not context.extradata or base is None or base <= 0:
            raise UnfitError("the header holds no configuration of the decoder")
        begin = round(begin_seconds / base)
        return cls(request, media.video, base, begin, length_size(context.extradata))

    def __enter__(self) -> Self:
        request = self.request
        cut = Cut(request.longest_segment_seconds, request.shortest_segment_seconds)
        self._writer = SegmentWriter(Path(request.out_dir) / request.video_rendition, cut)
        scale = self.base.denominator if self.base.numerator == 1 else _COARSEST_TIMESCALE
        options = {**MUXER, "video_track_timescale": str(scale)}
        self._container = av.open(self._writer, "w", format="mp4", options=options)
        self._stream = self._container.add_stream_from_template(self.template)
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def add(self, packet: "Packet[Any]") -> float:
        """Take the next packet, return its time in seconds. Raises UnfitError."""
        if packet.pts is None or packet.dts is None:
            raise UnfitError("a packet has no time")
        packet.pts, packet.dts = packet.pts - self.begin, packet.dts - self.begin
        key = packet.is_keyframe and is_idr(bytes(packet), self.length_bytes)
        self._check(packet, key=key)
        packet.is_keyframe = key  # an open group's start is none: what is shown before it would be missing
        self._last_dts = packet.dts
        self._last_key = packet.dts if key else self._last_key
        at = float(packet.pts * self.base)
        packet.stream = self._stream
        self._container.mux(packet)
        return at

    def finish(self) -> Any:
        """Close the files, and say what was made. Raises UnfitError when there is nothing."""
        self._container.close()
        if self._last_dts is None:
            raise UnfitError("no packet could be read")
        return self._writer.finish(self.request.video_rendition)

    @property
    def frames(self) -> int:
        """How many were written."""
        return self._writer.samples

    def _check(self, packet: "Packet[Any]", *, key: bool) -> None:
        if packet.is_corrupt or packet.has_sidedata("new_extradata"):
            raise UnfitError("a packet is damaged, or changes the configuration")
        if packet.is_discard:
            raise UnfitError("an edit hides packets")
        if self._last_dts is None:
            self._last_key = packet.dts or 0
            if not key or packet.pts != 0:
                raise UnfitError("it does not begin with a key frame")
        elif (packet.dts or 0) <= self._last_dts:
            raise UnfitError("decode times do not grow")
        if float(((packet.dts or 0) - self._last_key) * self.base) > self.request.longest_gop_seconds:
            raise UnfitError("key frames lie too far apart")
