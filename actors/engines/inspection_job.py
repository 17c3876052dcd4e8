"""The job of the inspector: every packet read, one picture decoded. Runs in the child."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from actors.engines.cadence import Cadence, Packet, without_leaps
from actors.engines.errors import BadMedia, Refusal
from actors.engines.frame_source import packets, seconds_of
from actors.engines.header import frames_per_second
from actors.engines.inspection import InspectRequest
from actors.engines.job_wire import Report
from actors.engines.media_file import MediaFile, open_media
from actors.engines.picture_facts import PictureFacts
from actors.engines.probe_limits import ProbeLimits, check_cost, check_length
from actors.engines.source_frames import Beginning, SourceFrames

_FINEST = 100_000
_NEARLY = Fraction(5, 100)
_LIMITS = ProbeLimits()


def inspect(request: InspectRequest, report: Report) -> PictureFacts:
    """Inspect a clip. Raises BadMedia."""
    path = Path(request.path)

    def tick(*_: object) -> None:
        report(0.0, "looking for the first picture")

    first = SourceFrames(path, request.max_picture_px, tick).beginning()
    with open_media(path, request.max_picture_px) as media:
        timed = tuple(_timed(media, report))
        if not timed:
            raise BadMedia(Refusal.NO_FRAMES, "no packet of the picture has a time")
        base = media.video.time_base or first.time_base
        end = first.pts * first.time_base / base + announced_seconds(media) / base
        cadence = Cadence(without_leaps(timed, base, round(end)), base)
    with open_media(path, request.max_picture_px) as media:
        return _facts(media, first, cadence)


def announced_seconds(media: MediaFile) -> Fraction:
    """Return how long the header says that the clip is; 0 when it says nothing."""
    return Fraction(max(media.container.duration or 0, 0), av.time_base)


def _facts(media: MediaFile, first: Beginning, cadence: Cadence) -> PictureFacts:
    rate = _rate(cadence, Fraction(frames_per_second(media, 0.0)).limit_denominator(_FINEST))
    seconds = cadence.seconds_from(first.pts, rate)
    check_length(float(seconds), _LIMITS)
    check_cost(first.frame.width * first.frame.height, float(seconds * rate), _LIMITS)
    aspect = media.video.sample_aspect_ratio or Fraction(1)
    return PictureFacts(
        stored_width_px=first.frame.width,
        stored_height_px=first.frame.height,
        pixel_aspect_num=aspect.numerator,
        pixel_aspect_den=aspect.denominator,
        fps_num=rate.numerator,
        fps_den=rate.denominator,
        duration_seconds=float(seconds),
        pixel_format=first.frame.format.name,
        profile=media.video.codec_context.profile,
        interlaced=first.frame.interlaced_frame,
        constant_rate=cadence.is_constant,
        longest_gop_seconds=cadence.longest_gop_seconds(seconds),
        starts_with_key_frame=cadence.packets[0].key,
        closed_gops=cadence.has_closed_gops,
    )


def _rate(cadence: Cadence, header: Fraction) -> Fraction:
    """What was measured, unless that is uneven and the header knows better: some packets have no time."""
    measured = cadence.rate
    if measured is None or (not cadence.is_constant and abs(header / measured - 1) < _NEARLY):
        return header
    return measured


def _timed(media: MediaFile, report: Report) -> Iterator[Packet]:
    """What is shown, by its packets. Those that an edit hides are decoded, but nobody sees them."""
    whole_seconds = max(float(announced_seconds(media)), 1.0)
    for packet in packets(media):
        at = packet.pts if packet.pts is not None else packet.dts
        report(min(1.0, max(0.0, seconds_of(media, at) / whole_seconds)), "looking at every frame")
        if at is not None and not packet.is_discard:
            yield Packet(at, packet.duration or 0, packet.is_keyframe)
