"""HLS media playlists (RFC 8216, section 4.3) of finished renditions, also of key frames only. Pure."""

import posixpath
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from actors.engines.packaging.presentation import CaptionTrack, Presentation, boundaries, segment_key
from subjects.media import Rendition

VERSION: Final = 7
"""RFC 8216 (section 7) wants 6 for the map of a fragmented MP4; Apple's specification for CMAF wants 7."""
_MICROSECONDS: Final = 1_000_000


class KeyFrame(NamedTuple):
    """The part of a segment that ends with its key frame. Times count in the rendition's timescale."""

    segment_key: str
    offset_bytes: int
    size_bytes: int
    start: int
    end: int
    """When the next key frame is shown, or the rendition ends."""


def media_playlist(presentation: Presentation, rendition: Rendition) -> str:
    """Return the playlist of all segments of a rendition."""
    seconds = decimal_durations(boundaries(rendition), rendition.timescale)
    names = (presentation.reference(segment_key(rendition, segment)) for segment in rendition.segments)
    entries = (f"#EXTINF:{text},\n{name}" for text, name in zip(seconds, names, strict=True))
    head = [*_head(seconds), _map(presentation, rendition), *_key(presentation, rendition)]
    return _lines([*head, *entries, "#EXT-X-ENDLIST"])


def iframe_playlist(presentation: Presentation, rendition: Rendition) -> str:
    """Return the playlist of the key frames, for pictures while a viewer seeks (section 4.3.3.6)."""
    frames = key_frames(rendition)
    times = [*(one.start for one in frames), frames[-1].end]
    seconds = decimal_durations(times, rendition.timescale)
    entries = (
        f"#EXTINF:{text},\n#EXT-X-BYTERANGE:{one.size_bytes}@{one.offset_bytes}\n"
        f"{presentation.reference(one.segment_key)}"
        for text, one in zip(seconds, frames, strict=True)
    )
    head = [*_head(seconds), "#EXT-X-I-FRAMES-ONLY", _map(presentation, rendition)]
    return _lines([*head, *entries, "#EXT-X-ENDLIST"])


def captions_playlist(presentation: Presentation, track: CaptionTrack) -> str:
    """Return the playlist of captions: one WebVTT file that lasts as long as the video."""
    end = presentation.duration_seconds
    seconds = decimal_durations([0, end.numerator], end.denominator)
    entry = f"#EXTINF:{seconds[0]},\n{presentation.reference(track.key)}"
    return _lines([*_head(seconds), entry, "#EXT-X-ENDLIST"])


def key_frames(rendition: Rendition) -> list[KeyFrame]:
    """Return what is known of the key frames of a rendition, in order of time; empty for sound.

    Where they are closer than a second apart some are left out: a camera may make every frame one.
    """
    found: list[tuple[str, int, int, int]] = []
    for one in rendition.segments:
        for offset_bytes, size_bytes, start in one.iframes:
            if not found or start - found[-1][-1] >= rendition.timescale:
                found.append((segment_key(rendition, one), offset_bytes, size_bytes, start))
    ends = [*(start for *_, start in found[1:]), boundaries(rendition)[-1]]
    return [KeyFrame(*one, end) for one, end in zip(found, ends, strict=False)]


def key_frame_rates_bps(rendition: Rendition) -> tuple[int, int]:
    """Return peak and average of the key frames alone, each shown until the next one."""
    frames = key_frames(rendition)
    peak = max(_rate_bps(one.size_bytes, one.end - one.start, rendition.timescale) for one in frames)
    total_bytes = sum(one.size_bytes for one in frames)
    return peak, _rate_bps(total_bytes, frames[-1].end - frames[0].start, rendition.timescale)


def decimal_durations(times: Sequence[int], timescale: int) -> list[str]:
    """Return the seconds between times, each rounded to the microsecond such that their sums never drift."""
    ticks = [round(Fraction(time * _MICROSECONDS, timescale)) for time in times]
    return [_decimal(end - start) for start, end in pairwise(ticks)]


def _decimal(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, _MICROSECONDS)
    return f"{seconds}.{rest:06}"


def _rate_bps(size_bytes: int, duration: int, timescale: int) -> int:
    """Rounded up: what is announced may never be exceeded."""
    return -(-8 * size_bytes * timescale // duration)


def _head(seconds: Iterable[str]) -> list[str]:
    """Return the tags that every playlist begins with.

    No duration, rounded to the nearest integer, may exceed the target (section 4.3.3.1).
    """
    target = max(int(float(text) + 0.5) for text in seconds)
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{max(1, target)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]


def _map(presentation: Presentation, rendition: Rendition) -> str:
    return f'#EXT-X-MAP:URI="{presentation.reference(rendition.init_key)}"'


def _key(presentation: Presentation, rendition: Rendition) -> list[str]:
    """Return how the segments are decrypted (section 4.3.2.4). Behind the map, which is not encrypted.

    Without a vector of its own each has its number for one: so they are counted from zero.
    """
    if rendition.key_name is None:
        return []
    # Beside the folder of what it opens, which has its name; the media plane derives it, nothing lies there.
    key = f"{posixpath.dirname(rendition.init_key)}.key"
    return [f'#EXT-X-KEY:METHOD=AES-128,URI="{presentation.reference(key)}"']


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
