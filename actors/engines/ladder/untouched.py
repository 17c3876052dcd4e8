"""Whether an original can be packaged as it is: browsers play it, and it can be cut into segments. Pure."""

from typing import Final

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.ladder.policy import LadderPolicy
from subjects.media import Metadata

_FORMATS: Final = ("yuv420p", "yuvj420p")
_PROFILES: Final = (
    "Constrained Baseline",
    "Baseline",
    "Main",
    "High",
    "Constrained High",
    "Progressive High",
)
_MACROBLOCKS_MAX: Final = 36_864
"""Of a picture at level 5.2, the highest that decoders in hardware know (H.264, table A-1)."""
_RATE_ROUNDING: Final = 1.01


def why_touched(metadata: Metadata, facts: PictureFacts, policy: LadderPolicy) -> str | None:
    """Return in a few words why an original must be encoded anew, or None when it can stay as it is."""
    return _why_not_played(metadata, facts, policy) or _why_not_cut(metadata, facts, policy)


def _why_not_played(metadata: Metadata, facts: PictureFacts, policy: LadderPolicy) -> str | None:
    """What every browser shows alike is H.264 of 8 bits, upright, with square pixels and whole frames."""
    if metadata.codec != "h264" or facts.pixel_format not in _FORMATS or facts.profile not in _PROFILES:
        return f"{metadata.codec} {facts.profile} {facts.pixel_format} is not played everywhere"
    if metadata.hdr is not None or metadata.dolby_vision:
        return "its colours are of high dynamic range"
    if metadata.rotation_degrees or metadata.mirrored:
        return "it is stored turned"
    if facts.interlaced or facts.pixel_aspect_num != facts.pixel_aspect_den:
        return "it is interlaced" if facts.interlaced else "its pixels are not square"
    if facts.fps_num > facts.fps_den * policy.fps_max * _RATE_ROUNDING:
        return "it has too many frames a second"
    return None


def _why_not_cut(metadata: Metadata, facts: PictureFacts, policy: LadderPolicy) -> str | None:
    """Segments begin with a key frame, need nothing before it, and come through a usual connection."""
    if -(-facts.stored_width_px // 16) * -(-facts.stored_height_px // 16) > _MACROBLOCKS_MAX:
        return "its picture is too large"
    if metadata.bitrate_bps > policy.untouched_bps_max:
        return "its bitrate is too high"
    if not facts.starts_with_key_frame or not facts.closed_gops:
        return "it cannot begin at each of its key frames"
    if facts.longest_gop_seconds is None or facts.longest_gop_seconds > policy.untouched_gop_seconds_max:
        return "its key frames are too rare"
    return None
