"""What may be chosen of a ladder: codecs, sizes, rates, and how the timeline is cut."""

from typing import Final, Literal

import msgspec

CODECS: Final = ("h264", "hevc", "av1", "vp9")

H264_BPS: Final = {
    2160: 14_000_000,
    1440: 9_000_000,
    1080: 5_000_000,
    720: 2_800_000,
    540: 1_600_000,
    360: 800_000,
    240: 400_000,
}
"""By the short side of a picture at about 30 frames a second. A ceiling: quality is constant below it."""


class LadderPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of one installation."""

    codecs: tuple[str, ...] = ("h264",)
    """In which every rung is made. Without H.264 among them some browsers play nothing."""
    hdr: Literal["none", "hevc", "av1"] = "none"
    """In which the top size of a source of high dynamic range is made as well, with that range."""
    fps_max: int = 60
    long_side_px_max: int = 4096
    """H.264 of level 5.1 and 5.2, which decoders in hardware stop at, has pictures of 4096 x 2304."""
    distinct: float = 1.2
    """A rung whose short side is nearer than this factor to a better one is left out: nobody sees it."""
    heavy: float = 1.5
    """An original that has this many times the bits of a rung of its own size gets that rung, too."""
    first_px: int = 360
    """The short side of the rung that is made first, so that something can be played."""
    gop_seconds: float = 2.0
    segment_gops: int = 2
    chunk_segments: int = 4
    untouched_bps_max: int = 40_000_000
    """Above that hardly anybody's connection plays an original without waiting."""
    untouched_gop_seconds_max: float = 10.0
    """Segments begin at key frames; where they are rarer players wait long at the start and when seeking."""


def codecs_of(setting: str) -> tuple[str, ...]:
    """Return the codecs of a setting, separated by commas, each once. Raises ValueError."""
    codecs = tuple(dict.fromkeys(part.strip() for part in setting.split(",") if part.strip()))
    unknown = [codec for codec in codecs if codec not in CODECS]
    if unknown or not codecs:
        raise ValueError(
            f"not a codec: {', '.join(unknown) or 'none given'}; choose from {', '.join(CODECS)}"
        )
    return codecs
