"""What a client claims of its file, wherever it says so: the name and the media type. Pure."""

import re
from typing import Final

VIDEO_TYPES: Final = frozenset(
    {"application/mp4", "application/ogg", "application/x-matroska", "application/mxf"}
)
UNKNOWN_TYPE: Final = "application/octet-stream"
"""Says nothing of the bytes: for a client that does not know."""
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")


def media_type(content_type: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def is_media_type(kind: str) -> bool:
    """Whether a text is a media type at all."""
    return _MEDIA_TYPE.fullmatch(kind) is not None


def is_video_type(kind: str) -> bool:
    """Whether a media type is one of videos. What the file really is, the uploader looks for itself."""
    return is_media_type(kind) and (kind.startswith("video/") or kind in VIDEO_TYPES)


def base_name(filename: str | None) -> str | None:
    """Return the last part of a file name, whatever path it came with; None when nothing is left."""
    name = re.split(r"[/\\]", filename or "")[-1].strip()
    return name if name not in ("", ".", "..") else None
