"""The job of the probe: reads a header and decodes one picture. Runs in the child."""

from datetime import UTC, datetime
from pathlib import Path

from actors.engines.clip.first_picture import first_picture
from actors.engines.clip.hdr import hdr_kind
from actors.engines.clip.header import (
    all_tags,
    audio_track,
    check_complete,
    dolby_vision,
    duration_seconds,
    format_name,
    frames_per_second,
)
from actors.engines.clip.location import find_location
from actors.engines.clip.media_file import MediaFile, open_media
from actors.engines.clip.orientation import displayed_size
from actors.engines.clip.probe import Probe, ProbeRequest
from actors.engines.clip.probe_limits import check_cost, check_length, check_picture
from actors.engines.clip.recording_time import find_recording_time
from actors.engines.sandbox.job_wire import Report
from subjects.media import Metadata


def probe(request: ProbeRequest, report: Report) -> Probe:
    """Read the header, refuse what is too much, then prove that a picture can be decoded."""
    limits = request.limits
    report(0.0, "reading the header")
    with open_media(Path(request.path), limits.max_picture_px) as media:
        context = media.video.codec_context
        check_picture(context.width, context.height, limits)
        check_complete(media, request.size_bytes)
        seconds = duration_seconds(media, limits, report)
        check_length(seconds, limits)
        fps = frames_per_second(media, seconds)
        pictures = max(fps * seconds, media.video.frames)
        check_cost(context.width * context.height, pictures, limits)
        metadata = _metadata(media, request, seconds, fps, report)
        tags = all_tags(media)
    return Probe(
        metadata=metadata,
        location=find_location(tags),
        recorded_at=find_recording_time(tags, datetime.now(UTC)),
    )


def _metadata(
    media: MediaFile, request: ProbeRequest, seconds: float, fps: float, report: Report
) -> Metadata:
    vision = dolby_vision(media)
    report(0.7, "decoding a picture")
    picture = first_picture(media)
    frame = picture.frame
    check_picture(frame.width, frame.height, request.limits)
    width_px, height_px = displayed_size(
        frame.width, frame.height, media.video.sample_aspect_ratio, picture.orientation
    )
    bitrate_bps = media.container.bit_rate or round(request.size_bytes * 8 / seconds)
    return Metadata(
        duration_seconds=round(seconds, 3),
        format=format_name(media),
        size_bytes=request.size_bytes,
        width_px=width_px,
        height_px=height_px,
        fps=round(fps, 3),
        codec=media.codec_name,
        bitrate_bps=bitrate_bps,
        rotation_degrees=picture.orientation.rotation_degrees,
        mirrored=picture.orientation.mirrored,
        hdr=hdr_kind(frame.color_trc, vision),
        dolby_vision=vision is not None,
        audio=audio_track(media.container),
    )
