"""What a player is offered of a video: renditions and captions, and how files name one another. Pure."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from actors.engines.cmaf.track import segment_name
from actors.engines.packaging.image_track import is_told
from subjects.media import MediaSegment, Rendition, Storyboard

ORIGINAL: Final = "original"
"""The name of the rendition that is the untouched source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionTrack:
    """A WebVTT file in one language."""

    key: str
    language: str
    """BCP 47."""
    name: str
    """What a player's menu says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """Renditions of one video whose times have one zero, and the prefix below which its playlists are put."""

    folder: str
    """Without a trailing slash."""
    renditions: tuple[Rendition, ...]
    captions: tuple[CaptionTrack, ...] = ()
    storyboard: Storyboard | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what no player could play."""
        if not self.videos:
            raise ValueError("there is no video rendition")
        for one in self.renditions:
            require_timeline(one)

    @property
    def videos(self) -> tuple[Rendition, ...]:
        """From the smallest peak bandwidth to the largest."""
        return tuple(sorted((one for one in self.renditions if one.kind == "video"), key=_by_bandwidth))

    @property
    def audios(self) -> tuple[Rendition, ...]:
        """In the given order: the first is what is heard unless a viewer chooses."""
        return tuple(one for one in self.renditions if one.kind == "audio")

    @property
    def images(self) -> Storyboard | None:
        """The storyboard, if enough is known of it to be a track."""
        return self.storyboard if self.storyboard is not None and is_told(self.storyboard) else None

    @property
    def duration_seconds(self) -> Fraction:
        """Where the last segment ends."""
        return max(end_seconds(one) for one in self.renditions)

    def reference(self, key: str) -> str:
        """Return how a playlist of this presentation names another object of its video."""
        return posixpath.relpath(key, self.folder)


def segment_key(rendition: Rendition, segment: MediaSegment) -> str:
    """Return the key of a segment: it lies beside the initialization, named by its time."""
    return f"{posixpath.dirname(rendition.init_key)}/{segment_name(segment.time)}"


def boundaries(rendition: Rendition) -> tuple[int, ...]:
    """Return where each segment begins, and where the last one ends: each lasts until the next one begins."""
    last = rendition.segments[-1]
    return *(segment.time for segment in rendition.segments), last.time + last.duration


def end_seconds(rendition: Rendition) -> Fraction:
    """Return when the last segment of a rendition ends."""
    return Fraction(boundaries(rendition)[-1], rendition.timescale)


def longest_seconds(rendition: Rendition) -> Fraction:
    """Return how long the longest segment is."""
    return Fraction(max(durations(boundaries(rendition))), rendition.timescale)


def durations(times: Sequence[int]) -> list[int]:
    """Return the differences between times."""
    return [end - start for start, end in pairwise(times)]


def require_timeline(rendition: Rendition) -> None:
    """Raise ValueError for segments that are none, or not in order."""
    if not rendition.segments:
        raise ValueError(f"{rendition.name} has no segments")
    if min(durations(boundaries(rendition))) <= 0:
        raise ValueError(f"the segments of {rendition.name} are not in order")


def _by_bandwidth(rendition: Rendition) -> tuple[int, str]:
    return rendition.bandwidth_bps, rendition.name
