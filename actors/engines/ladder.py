"""Which renditions a video gets, and in which order they are made. Pure."""

import math
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.engines.ladder_policy import H264_BPS, LadderPolicy
from actors.engines.picture_facts import PictureFacts
from actors.engines.picture_geometry import Size
from actors.engines.rung_size import Shape, fitted, own_size, shape_of, size_with
from actors.engines.timeline import timeline_of
from actors.engines.untouched import why_touched
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
        early = (self.first,) if self.first is not None else ()
        late = tuple(rung for rung in self.rungs if rung is not self.first)
        return tuple(rungs for rungs in (early, late) if rungs)


def ladder_of(metadata: Metadata, facts: PictureFacts, policy: LadderPolicy | None = None) -> Ladder:
    """Return the ladder of a clip. One that is packaged untouched gets only rungs below itself."""
    policy = policy or LadderPolicy()
    touched = why_touched(metadata, facts, policy)
    timeline = timeline_of(facts, policy)
    shape = shape_of(facts, metadata.rotation_degrees)
    sizes = sizes_below(shape, policy) if touched is None else sizes_of(shape, policy)
    rungs = tuple(_rung(codec, size, timeline.fps) for codec in policy.codecs for size in sizes)
    first = None if touched is None else first_rung(rungs, policy)
    deep = hdr_rungs(metadata, facts, policy, timeline.fps)
    return Ladder(timeline=timeline, touched=touched, rungs=(*rungs, *deep), first=first)


def hdr_rungs(
    metadata: Metadata, facts: PictureFacts, policy: LadderPolicy, fps: float
) -> tuple[Rung, ...]:
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


def sizes_below(shape: Shape, policy: LadderPolicy) -> tuple[Size, ...]:
    """Return the sizes below a clip that is itself the best rendition, from the largest; maybe none."""
    return tuple(size for size in sizes_of(shape, policy) if min(size) * policy.distinct <= min(shape))


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
