"""The job of the remuxer: the packets of a clip as CMAF segments, none of them decoded. Runs in the child."""

from array import array
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.packet import Packet
from msgspec.structs import replace

from actors.engines.clip.cadence import Ticks
from actors.engines.clip.decode_times import decode_times
from actors.engines.clip.frame_source import packets
from actors.engines.clip.h264_units import changes_sets, configured_sets, is_idr, length_size
from actors.engines.clip.media_file import MediaFile, open_media
from actors.engines.clip.picture_check import find_fault
from actors.engines.clip.source_frames import SourceFrames
from actors.engines.cmaf.remux import Remuxed, RemuxRequest
from actors.engines.cmaf.segment_writer import MUXER, Cut, SegmentWriter
from actors.engines.sandbox.job_wire import Report
from actors.engines.sound.audio import Sound
from actors.engines.sound.copy_track import SoundCopy
from actors.engines.sound.tracks import facts_of, sounds_of

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
            decoded = _decode_times(media, report)
        _check_pictures(path, request, report)
        with open_media(path, request.max_picture_px) as media:
            return _packaged(media, request, begin_seconds, decoded, report)
    except UnfitError as unfit:
        return Remuxed(unfit=str(unfit))


def _check_pictures(path: Path, request: RemuxRequest, report: Report) -> None:
    """Raise UnfitError when pictures are damaged, or differ: encoding mends what a player may stop at."""

    def tick() -> None:
        report(0.0, "looking for damage")

    seconds, budget = request.duration_seconds, request.check_cpu_seconds
    fault = find_fault(path, request.max_picture_px, seconds, budget, tick)
    if fault is not None:
        raise UnfitError(fault)


def _decode_times(media: MediaFile, report: Report) -> Ticks | None:
    """Return when each packet is decoded, when the container keeps no such times; None when it does.

    Raises UnfitError for a container that does not say when pictures are shown, though their order changes.
    """
    formats = media.container.format.name.split(",")
    if "avi" in formats and media.video.codec_context.has_b_frames:
        raise UnfitError("the file does not say when its pictures are shown")
    if "matroska" not in formats:
        return None
    shown = array("q")
    for packet in packets(media):
        report(0.0, "looking at every frame")
        if packet.pts is None:
            raise UnfitError("a packet has no time")
        shown.append(packet.pts)
    times = decode_times(np.array(shown))
    report(0.0, "looking at every frame")
    if times is None:
        raise UnfitError("two pictures are shown at once")
    return times


def _packaged(
    media: MediaFile,
    request: RemuxRequest,
    begin_seconds: Fraction,
    decoded: Ticks | None,
    report: Report,
) -> Remuxed:
    if media.codec_name != "h264":
        raise UnfitError(f"the codec is {media.codec_name}")
    with ExitStack() as stack:
        pictures = stack.enter_context(PictureCopy.opened(media, request, begin_seconds, decoded))
        sounds = [stack.enter_context(one) for one in _sounds(media, request, begin_seconds)]
        whole = request.duration_seconds
        _copy(media, pictures, sounds, lambda at: report(min(1.0, at / whole), "packaging"))
        track = pictures.finish()
        heard = [one.finish() for one in sounds]
    return Remuxed(video=track, sounds=_whole(heard), frames=pictures.frames)


def _sounds(media: MediaFile, request: RemuxRequest, begin_seconds: Fraction) -> list[SoundCopy]:
    """Return the tracks to try, the main one first: none when it is not one that can be copied."""
    copies = []
    for place, stream in enumerate(sounds_of(media.container)[: request.tracks_max]):
        facts = facts_of(stream, place, request.audio_rendition)
        copies.append(SoundCopy.opened(facts, stream, request, begin_seconds))
        if copies[0] is None:
            return []
    return [one for one in copies if one is not None]


def _whole(heard: Sequence[Sound | None]) -> tuple[Sound, ...]:
    """Return what was copied, unless the main track was not."""
    if not heard or heard[0] is None:
        return ()
    return heard[0], *(replace(one, default=False) for one in heard[1:] if one is not None)


def _copy(media: MediaFile, pictures: "PictureCopy", sounds: Sequence[SoundCopy], tick: Any) -> None:
    by_index = {one.stream.index: one for one in sounds}
    streams = [media.video, *(one.stream for one in sounds)]
    try:
        for packet in media.demux(streams):
            if packet.size == 0:
                continue
            if packet.stream_index == media.video.index:
                tick(pictures.add(packet))
            else:
                by_index[packet.stream_index].add(packet)
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
    configured: frozenset[bytes]
    """The parameter sets of the header, the only ones that a player is given."""
    decoded: Ticks | None
    """When each packet is decoded, in ticks of the source; None when the packets say it."""
    _read: int = field(default=0, init=False)
    _writer: SegmentWriter = field(init=False)
    _container: Any = field(init=False)
    _stream: Any = field(init=False)
    _last_dts: int | None = field(default=None, init=False)
    _last_key: int = field(default=0, init=False)

    @classmethod
    def opened(
        cls,
        media: MediaFile,
        request: RemuxRequest,
        begin_seconds: Fraction,
        decoded: Ticks | None = None,
    ) -> "PictureCopy":
        """For the main stream of a clip. Raises UnfitError when its header lacks what a player needs."""
        context, base = media.video.codec_context, media.video.time_base
        if not context.extradata or base is None or base <= 0:
            raise UnfitError("the header holds no configuration of the decoder")
        begin = round(begin_seconds / base)
        length_bytes, configured = length_size(context.extradata), configured_sets(context.extradata)
        return cls(request, media.video, base, begin, length_bytes, configured, decoded)

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
        if self.decoded is not None:
            packet.dts = int(self.decoded[self._read]) if self._read < len(self.decoded) else None
            self._read += 1
        if packet.pts is None or packet.dts is None:
            raise UnfitError("a packet has no time")
        packet.pts, packet.dts = packet.pts - self.begin, packet.dts - self.begin
        data = bytes(packet)
        key = packet.is_keyframe and is_idr(data, self.length_bytes)
        self._check(packet, key=key)
        if changes_sets(data, self.length_bytes, self.configured):
            raise UnfitError("a packet changes the configuration")
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
