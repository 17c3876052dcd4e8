"""What a container's header says, and what has to be read from its packets when it does not."""

import time
from collections.abc import Iterator
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from actors.engines.clip.first_picture import loud_libav
from actors.engines.clip.hdr import DolbyVision, find_dolby_vision
from actors.engines.clip.media_file import MediaFile
from actors.engines.clip.probe_limits import ProbeLimits, check_length
from actors.engines.clip.sniff import AVI, FLV, MKV, MOV, MP4, MPEGTS, THREE_GP, WEBM
from actors.engines.clip.timing import believable_fps, measured_fps, played_seconds
from actors.engines.errors import BadMedia, Refusal
from actors.engines.sandbox.job_wire import Report
from subjects.media import AudioTrack

_FAMILIES = {"mov,mp4,m4a,3gp,3g2,mj2": (MP4, MOV, THREE_GP), "matroska,webm": (MKV, WEBM)}
_SINGLES = {"mpegts": MPEGTS, "flv": FLV, "avi": AVI}
_COUNTED_FROM_ZERO = {"matroska,webm", "flv"}
_MISSING_SHARE = 0.05
_CADENCE_PACKETS = 240
_ONE_PICTURE_SECONDS = 0.04
_REPORT_SECONDS = 0.5


def format_name(media: MediaFile) -> str:
    """The short name: by demuxer, and inside a family by brand or document type."""
    demuxer = media.container.format.name
    if demuxer in _SINGLES:
        return _SINGLES[demuxer].format
    family = _FAMILIES.get(demuxer, ())
    if media.sniffed in family:
        return media.sniffed.format
    return family[0].format if family else demuxer


def all_tags(media: MediaFile) -> dict[str, str]:
    """The tags of the container, with those of the video stream beneath."""
    return {**media.video.metadata, **media.container.metadata}


def audio_track(container: InputContainer) -> AudioTrack | None:
    """The first audio track that we can decode."""
    for stream in container.streams.audio:
        context = stream.codec_context
        if context is not None and context.sample_rate > 0:
            name = str(context.codec.canonical_name)
            return AudioTrack(codec=name, channels=context.channels, sample_rate_hz=context.sample_rate)
    return None


def dolby_vision(media: MediaFile) -> DolbyVision | None:
    """The Dolby Vision configuration of the main stream."""
    with loud_libav(av.logging.INFO):  # the dump is a log message of this level
        container: Any = media.container  # the stubs of PyAV 18 lack this method
        description = container.dumps_format()
    return find_dolby_vision(description, media.video.index)


def check_complete(media: MediaFile, size_bytes: int) -> None:
    """Raise BadMedia when the index promises samples well beyond the end of the file."""
    entries = media.video.index_entries
    count = len(entries)
    if count:
        last = entries[int((count - 1) * (1 - _MISSING_SHARE))]
        if last.pos + last.size > size_bytes:
            raise BadMedia(Refusal.DAMAGED, "the end of the file is missing")


def duration_seconds(media: MediaFile, limits: ProbeLimits, report: Report) -> float:
    """The played length: from the header, or from the packets when a recorder never finished its header."""
    container = media.container
    if container.duration and container.duration > 0:
        return played_seconds(
            container.duration / av.time_base,
            (container.start_time or 0) / av.time_base,
            counted_from_zero=container.format.name in _COUNTED_FROM_ZERO,
        )
    return _read_duration_seconds(media, limits, report)


def frames_per_second(media: MediaFile, seconds: float) -> float:
    """The mean rate: from the header if it is believable, else from the first packets; never zero."""
    video = media.video
    rate = believable_fps(video.average_rate, video.time_base)
    rate = rate or measured_fps(_cadence(media))
    rate = rate or believable_fps(video.base_rate, video.time_base)
    return rate or 1 / max(seconds, _ONE_PICTURE_SECONDS)


def _cadence(media: MediaFile) -> list[float]:
    """The first presentation times in seconds. Leaves the container at its beginning."""
    stamps = []
    for packet in _packets(media):
        if packet.pts is not None:
            stamps.append(float(packet.pts * packet.time_base))
        if len(stamps) >= _CADENCE_PACKETS:
            break
    _rewind(media)
    return stamps


def _read_duration_seconds(media: MediaFile, limits: ProbeLimits, report: Report) -> float:
    first, last, told = None, 0.0, time.monotonic()
    for packet in _packets(media):
        if packet.pts is None:
            continue
        at = float(packet.pts * packet.time_base)
        first = at if first is None else min(first, at)
        last = max(last, at + float((packet.duration or 0) * packet.time_base))
        check_length(last - first, limits)
        if time.monotonic() - told > _REPORT_SECONDS:
            told = time.monotonic()
            report(0.3, "measuring the length")
    _rewind(media)
    return max(last - (first or 0.0), _ONE_PICTURE_SECONDS)


def _packets(media: MediaFile) -> Iterator["Packet[VideoStream]"]:
    try:
        yield from media.demux(media.video)
    except MemoryError:
        raise
    except av.FFmpegError:  # what was read so far has to do
        return


def _rewind(media: MediaFile) -> None:
    """Back to the first key frame, for whoever decodes next."""
    try:
        media.container.seek(media.video.start_time or 0, stream=media.video)
    except av.FFmpegError as error:
        raise BadMedia(Refusal.DAMAGED, "the file cannot be read twice") from error
