"""Which renditions a video gets, and in which order they are made. Pure."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.clip.picture_geometry import Size
from actors.engines.ladder.long_chunks import with_long_chunks
from actors.engines.ladder.policy import H264_BPS, LadderPolicy
from actors.engines.ladder.rung_size import Shape, fitted, own_size, shape_of, size_with
from actors.engines.ladder.timeline import timeline_of
from actors.engines.ladder.untouched import why_touched
from subjects.media import Metadata, Rung, Timeline, VideoRange

_FAST_FPS: Final = 40
_FAST_SHARE: Final = 1.5
_CODEC_SHARE: Final = {"h264": 1.0, "hevc": 0.65, "vp9": 0.7, "av1": 0.55}
"""Bits for the same picture by those of H.264, as encoders in software at their fast presets manage."""
_HDR_SHARE: Final = 1.2
"""Bits for ten bits of a high range by those for eight of the standard one: HLS Authoring Specification."""
_RANGES: Final[dict[str, VideoRange]] = {"hdr10": "PQ", "hlg": "HLG"}
"""A Dolby Vision clip with a base layer that others can show is one of these, too."""
_DEEP_FORMATS: Final = ("p010", "p10", "p12", "p016", "p16", "p210", "p410")
_ROUND_BPS: Final = 1000
_LEAST_BPS: Final = 64_000
_SOON_PX: Final = 1080
"""What is larger takes most of the time, and fewer screens show it."""


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made of a clip."""

    timeline: Timeline
    touched: str | None
    """Why the original is not packaged as it is; None when it becomes the rendition `original`."""
    rungs: tuple[Rung, ...]
    """What is to be encoded, by codec in the policy's order, each from the largest to the smallest."""
    first: Rung | None
    """Of the rungs the one that makes the video playable; None when the original does."""

    @property
    def untouched(self) -> bool:
        """Whether the original is packaged as it is."""
        return self.touched is None

    @property
    def passes(self) -> tuple[tuple[Rung, ...], ...]:
        """The rungs in the order in which they are made, each pass over the whole video. None is empty."""
        return passes_of(self.rungs, self.first)


def ladder_of(metadata: Metadata, facts: PictureFacts, policy: LadderPolicy | None = None) -> Ladder:
    """Return the ladder of a clip. One that is packaged untouched gets only rungs that spare something.

    Raises BadMedia, too_much_picture, for one whose key frames lie too far apart for its size.
    """
    policy = policy or LadderPolicy()
    touched = why_touched(metadata, facts, policy)
    timeline = timeline_of(facts, policy)
    shape = shape_of(facts, metadata.rotation_degrees)
    sizes = sizes_of(shape, policy)
    rungs = tuple(_rung(codec, size, timeline.fps) for codec in policy.codecs for size in sizes)
    if touched is None:
        rungs = tuple(one for one in rungs if spares(one, shape, metadata.bitrate_bps, policy))
    first = None if touched is None else first_rung(rungs, policy)
    deep = hdr_rungs(metadata, facts, policy, timeline.fps)
    timeline = with_long_chunks(timeline, facts, passes_of((*rungs, *deep), first))
    return Ladder(timeline=timeline, touched=touched, rungs=(*rungs, *deep), first=first)


def hdr_rungs(metadata: Metadata, facts: PictureFacts, policy: LadderPolicy, fps: float) -> tuple[Rung, ...]:
    """Return the largest size in the source's own range; nothing unless that is high and has its bits.

    A source of 8 bits that is tagged so would only be shown with more bands than the rungs that are mapped.
    """
    span = _RANGES.get(metadata.hdr or "")
    if policy.hdr == "none" or span is None or not any(one in facts.pixel_format for one in _DEEP_FORMATS):
        return ()
    rung = _rung(policy.hdr, sizes_of(shape_of(facts, metadata.rotation_degrees), policy)[0], fps)
    bitrate_bps = round(rung.bitrate_bps * _HDR_SHARE / _ROUND_BPS) * _ROUND_BPS
    name = f"{rung.name}-{span.lower()}"
    return (replace(rung, name=name, bitrate_bps=bitrate_bps, video_range=span),)


def sizes_of(shape: Shape, policy: LadderPolicy) -> tuple[Size, ...]:
    """Return the sizes of a clip that is encoded anew, from the largest; at least one.

    The largest is the clip's own when no usual one is near it: a clip of 480 lines must not end at 360.
    """
    fit = fitted(shape, max(H264_BPS), policy.long_side_px_max)
    usual = [size_with(fit, px) for px in sorted(H264_BPS, reverse=True) if px <= min(fit)]
    if not usual or min(fit) > min(usual[0]) * policy.distinct:
        usual.insert(0, own_size(fit))
    return tuple(usual)


def spares(rung: Rung, shape: Shape, bitrate_bps: int, policy: LadderPolicy) -> bool:
    """Return whether a rung asks distinctly less of a viewer than an original with this bit rate does.

    Either its picture is smaller, or of the same size in far fewer bits: phones record 1080 lines with
    17 Mbit/s, and who has 6 should not see 720 for that.
    """
    smaller = short_side(rung) * policy.distinct <= min(shape)
    return smaller or rung.bitrate_bps * policy.heavy <= bitrate_bps


def passes_of(rungs: tuple[Rung, ...], first: Rung | None) -> tuple[tuple[Rung, ...], ...]:
    """Return the rungs in passes: what most people watch is there before what takes longest.

    The first one alone, the rest of H.264 up to 1080 lines, what is larger or of high range, then each
    further codec. Each pass decodes the source again, which is 13 % of the processor's time that the whole
    ladder of an H.264 source of 1080 lines and 12 Mbit/s takes (x264 veryfast): so what is smaller than the
    first rung comes with it when nothing larger follows.
    """
    rest = [one for one in rungs if one is not first]
    soon = [one for one in rest if _is_soon(one)]
    large = [one for one in rest if one not in soon and (one.codec == "h264" or one.video_range != "SDR")]
    others = [one for one in rest if one not in soon and one not in large]
    begin = [first] if first is not None else []
    if first is not None and all(short_side(one) < short_side(first) for one in soon):
        begin, soon = [first, *soon], []
    by_codec = [[one for one in others if one.codec == codec] for codec in _codecs(others)]
    return tuple(tuple(one) for one in (begin, soon, large, *by_codec) if one)


def _is_soon(rung: Rung) -> bool:
    return rung.codec == "h264" and rung.video_range == "SDR" and short_side(rung) <= _SOON_PX


def _codecs(rungs: Sequence[Rung]) -> list[str]:
    return list(dict.fromkeys(one.codec for one in rungs))


def first_rung(rungs: tuple[Rung, ...], policy: LadderPolicy) -> Rung:
    """Return what is made first: the smallest decent rung, else the largest, in the codec made fastest."""
    quick = [rung for rung in rungs if rung.codec == "h264"] or list(rungs)
    decent = [rung for rung in quick if short_side(rung) >= policy.first_px]
    return min(decent, key=short_side) if decent else max(quick, key=short_side)


def short_side(rung: Rung) -> int:
    """Return the shorter side of a rung in pixels."""
    return min(rung.width_px, rung.height_px)


def bitrate_of(codec: str, short_px: int, fps: float) -> int:
    """Return the bits per second of a picture with this short side, `_FAST_SHARE` more when it is fast.

    Between the usual sizes a power of the side, through both neighbours; outside the nearest two's.
    """
    share = _CODEC_SHARE[codec] * (_FAST_SHARE if fps > _FAST_FPS else 1.0)
    known = sorted(H264_BPS)
    upper = min(max(1, sum(px < short_px for px in known)), len(known) - 1)
    low, high = known[upper - 1], known[upper]
    power = math.log(H264_BPS[high] / H264_BPS[low]) / math.log(high / low)
    exact: float = H264_BPS[low] * (short_px / low) ** power * share
    return max(_LEAST_BPS, round(exact / _ROUND_BPS) * _ROUND_BPS)


def _rung(codec: str, size: Size, fps: float) -> Rung:
    short_px = min(size)
    return Rung(
        name=f"{short_px}p-{codec}",
        codec=codec,
        width_px=size[0],
        height_px=size[1],
        bitrate_bps=bitrate_of(codec, short_px, fps),
    )
