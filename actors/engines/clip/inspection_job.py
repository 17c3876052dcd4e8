"""The job of the inspector: every packet read, one picture decoded. Runs in the child."""

from fractions import Fraction
from pathlib import Path

from msgspec.structs import replace

from actors.engines.clip.cadence import Cadence, Packets, has_broken_times, without_leaps
from actors.engines.clip.header import frames_per_second
from actors.engines.clip.inspection import InspectRequest
from actors.engines.clip.media_file import MediaFile, open_media
from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.clip.probe_limits import ProbeLimits, check_cost, check_length
from actors.engines.clip.reading import Reading, announced_seconds
from actors.engines.clip.source_frames import Beginning, SourceFrames
from actors.engines.errors import BadMedia, Refusal
from actors.engines.sandbox.job_wire import Report
from subjects.warning import WarningCode

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
        reading = Reading(media, report)
        timed = Packets.of(reading.timed())
        if not len(timed):
            raise BadMedia(Refusal.NO_FRAMES, "no packet of the picture has a time")
        report(1.0, "measuring the times")
        base = media.video.time_base or first.time_base
        end = first.pts * first.time_base / base + announced_seconds(media) / base
        cadence = Cadence(without_leaps(timed, base, round(end)), base)
        report(1.0, "measuring the times")
        broken = cadence.is_absurd or has_broken_times(timed, cadence.packets)
        warnings = (WarningCode.BROKEN_TIMES,) if broken else reading.warnings
    report(1.0, "measuring the times")
    with open_media(path, request.max_picture_px) as media:
        return replace(_facts(media, first, cadence), warnings=warnings)


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
        starts_with_key_frame=bool(cadence.packets.keys[0]),
        closed_gops=cadence.has_closed_gops,
    )


def _rate(cadence: Cadence, header: Fraction) -> Fraction:
    """What was measured, unless that is uneven and the header knows better: some packets have no time."""
    measured = cadence.rate
    if measured is None or (not cadence.is_constant and abs(header / measured - 1) < _NEARLY):
        return header
    return measured
