"""What a stored object is, by its name alone: nothing is ever guessed from its bytes. Pure."""

from typing import Final

FALLBACK: Final = "application/octet-stream"
TYPES: Final = {
    "avif": "image/avif",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "m3u8": "application/vnd.apple.mpegurl",
    "m4a": "audio/mp4",
    "m4s": "video/iso.segment",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "mpd": "application/dash+xml",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "ogv": "video/ogg",
    "png": "image/png",
    "ts": "video/mp2t",
    "3gp": "video/3gpp",
    "vtt": "text/vtt; charset=utf-8",
    "webm": "video/webm",
    "webp": "image/webp",
}


def extension_of(name: str) -> str:
    """Return the extension of a name in lower case, without its dot."""
    return name.rpartition("/")[2].rpartition(".")[2].lower()


def content_type_of(name: str) -> str:
    """Return the media type of an object."""
    return TYPES.get(extension_of(name), FALLBACK)
