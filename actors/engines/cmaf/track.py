"""What a job answers about a track that it wrote as CMAF segments."""

from typing import Final

import msgspec

from storage import keys
from subjects.media import MediaSegment

INIT_NAME: Final = keys.INIT_NAME


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one rendition, in a folder of its name: `init.mp4` and `<time>.m4s` for each segment."""

    rendition: str
    codecs: str
    """As playlists call it (RFC 6381)."""
    timescale: int
    init_sha256: str
    """Hex. Chunks of a rendition fit together only when it is the same for all."""
    segments: tuple[MediaSegment, ...]
    key_name: str | None = None
    """Names the key that the segments are encrypted with; None as they come out of a job."""


def segment_name(time: int) -> str:
    """The file of the segment that begins at this decode time."""
    return f"{time}.m4s"
