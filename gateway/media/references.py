"""Playlists, manifests and storyboards name other objects; a relative reference loses its page's query.

So the query that opened the page is appended to each of them, and whoever may read the page can follow it.
Pure.
"""

import re
from typing import Final

from storage.content_types import extension_of

SIZE_BYTES_MAX: Final = 2 * 1024**2
"""Larger ones are served as they are; a day of two-second segments stays below."""

_NAME: Final = rb"[A-Za-z0-9._=-]+(?:/[A-Za-z0-9._=-]+)*"
# WebVTT: only what a storyboard writes, so that no caption is ever touched.
_TILE: Final = re.compile(rb"(?m)^(" + _NAME + rb")(#xywh=\d+,\d+,\d+,\d+\r?)$")
# HLS (RFC 8216, section 4.1): a line that is no tag, or the URI attribute of one.
_LINE: Final = re.compile(rb"(?m)^(" + _NAME + rb")(\r?)$")
_ATTRIBUTE: Final = re.compile(rb'(?m)(?<=[:,]URI=")(' + _NAME + rb')(")')
# DASH (ISO/IEC 23009-1): templates, in which `$Time$` and its like stand for parts of names, and base URLs.
_PLACES: Final = rb"[A-Za-z0-9._=$%-]+(?:/[A-Za-z0-9._=$%-]+)*"
_TEMPLATE: Final = re.compile(rb'(\s(?:media|initialization)="' + _PLACES + rb')(")')
_BASE: Final = re.compile(rb"(<BaseURL>" + _NAME + rb")(</BaseURL>)")
_REFERENCES: Final = {"vtt": (_TILE,), "m3u8": (_LINE, _ATTRIBUTE), "mpd": (_TEMPLATE, _BASE)}


def has_references(name: str, size_bytes: int) -> bool:
    """Whether an object is one whose references are to be completed."""
    return extension_of(name) in _REFERENCES and size_bytes <= SIZE_BYTES_MAX


def with_query(name: str, page: bytes, query: str) -> bytes:
    """Return the page with the query behind each relative reference; absolute ones stay as they are.

    In XML `&` is written `&amp;`.
    """
    kind = extension_of(name)
    text = query.replace("&", "&amp;") if kind == "mpd" else query
    for reference in _REFERENCES[kind]:
        page = reference.sub(rb"\1?" + text.encode() + rb"\2", page)
    return page
