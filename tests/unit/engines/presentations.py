"""Renditions for tests, and readers of what is written about them."""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from actors.engines.packaging.presentation import CaptionTrack, Presentation
from subjects.media import MediaSegment, Rendition, Storyboard

VIDEO = "videos/0199c8a2-0000-7000-8000-000000000001"
FOLDER = f"{VIDEO}/cmaf/0123456789abcdef"
ENGLISH = CaptionTrack(key=f"{VIDEO}/captions/en.vtt", language="en", name="English")
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)')


def init_key(name: str) -> str:
    return f"{VIDEO}/cmaf/{name}/init.mp4"


def segments_at(times: list[int], size_bytes: int = 1000) -> tuple[MediaSegment, ...]:
    """Segments that begin at all times but the last, which is their end; each with a key frame in front."""
    return tuple(
        MediaSegment(time=start, duration=end - start, size_bytes=size_bytes, iframes=((0, 90, start),))
        for start, end in pairwise(times)
    )


def video(
    name: str = "720p-h264", times: tuple[int, ...] = (0, 120120, 240240, 300300), **more: Any
) -> Rendition:
    about = {
        "codec": "h264",
        "codecs": "avc1.64001f",
        "width_px": 1280,
        "height_px": 720,
        "fps": 30000 / 1001,
        "bandwidth_bps": 3_000_000,
        "average_bps": 2_500_000,
        "timescale": 30000,
        "init_key": init_key(name),
        "segments": segments_at(list(times)),
    }
    return Rendition(name=name, kind="video", **(about | more))


def audio(name: str = "audio-aac", **more: Any) -> Rendition:
    about = {
        "codec": "aac",
        "codecs": "mp4a.40.2",
        "sample_rate_hz": 48000,
        "channels": 2,
        "bandwidth_bps": 130_000,
        "average_bps": 128_000,
        "timescale": 48000,
        "init_key": init_key(name),
        "segments": tuple(
            MediaSegment(time=start, duration=end - start, size_bytes=60_000)
            for start, end in pairwise((0, 192_512, 385_024, 480_256))
        ),
    }
    return Rendition(name=name, kind="audio", **(about | more))


def presented(
    *renditions: Rendition,
    captions: tuple[CaptionTrack, ...] = (),
    storyboard: Storyboard | None = None,
) -> Presentation:
    return Presentation(folder=FOLDER, renditions=renditions, captions=captions, storyboard=storyboard)


def storyboard(tiles: int = 28, interval_seconds: float = 0.5, **more: Any) -> Storyboard:
    """So many tiles in as many sheets as they need, the first of 30 kB and the others of 20 kB."""
    count = -(-tiles // 25)
    about = {
        "vtt_key": f"{VIDEO}/storyboard.vtt",
        "sheet_keys": tuple(f"{VIDEO}/storyboard-{number}.jpg" for number in range(1, count + 1)),
        "tile_width_px": 160,
        "tile_height_px": 90,
        "tiles": tiles,
        "sheet_sizes_bytes": (30_000, *[20_000] * (count - 1)),
    }
    return Storyboard(interval_seconds=interval_seconds, **(about | more))


TIMES = st.builds(
    lambda start, steps: tuple(start + sum(steps[:count]) for count in range(len(steps) + 1)),
    st.integers(0, 10**6),
    st.lists(st.integers(1, 10**6), min_size=1, max_size=30),
)
RENDITIONS = st.builds(
    lambda times, timescale, peak, average: video(
        times=times, timescale=timescale, bandwidth_bps=max(peak, average), average_bps=min(peak, average)
    ),
    TIMES,
    st.sampled_from([24, 25, 30, 60, 1000, 12800, 24000, 30000, 44100, 48000, 90000]),
    st.integers(1, 10**8),
    st.integers(1, 10**8),
)


@dataclass
class Playlist:
    """A playlist as a client reads it (RFC 8216, section 4.1): all tags, and those before each URI."""

    lines: list[str]
    tags: list[tuple[str, str]] = field(default_factory=list)
    entries: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        before: dict[str, str] = {}
        for line in self.lines[1:]:
            if line.startswith("#EXT"):
                name, _, value = line.partition(":")
                self.tags.append((name, value))
                before[name] = value
            elif line and not line.startswith("#"):
                self.entries.append((line, before))
                before = {}

    def values(self, name: str) -> list[str]:
        return [value for tag, value in self.tags if tag == name]

    def value(self, name: str) -> str:
        (value,) = self.values(name)
        return value

    @property
    def durations(self) -> list[str]:
        return [tags["#EXTINF"].removesuffix(",") for _, tags in self.entries]


def read(text: str) -> Playlist:
    assert text.startswith("#EXTM3U\n")
    assert text.endswith("\n")
    assert "\r" not in text
    return Playlist(text.splitlines())


def attributes(text: str) -> dict[str, str]:
    """An attribute list (section 4.2): no name twice, and nothing between what is understood."""
    found = _ATTRIBUTE.findall(text)
    assert ",".join(f"{name}={value}" for name, value in found) == text
    assert len({name for name, _ in found}) == len(found)
    return {name: value.strip('"') for name, value in found}
