"""What a container says of a track of sound, and what that is called. Pure, and free of libav."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import msgspec

TRACKS_MAX: Final = 4
"""More than the languages of most films; each one costs its share of time and storage."""
_LABEL_CHARS_MAX: Final = 64
_NAMES_OF_WRITERS: Final = re.compile(
    r"hand?ler|core media|iso media|gpac|l-smash|bento4|mainconcept|lavf|^(sound|audio|track|soun)\W*\d*$",
    re.IGNORECASE,
)
"""What programs write where a title might stand: `SoundHandler`, `Core Media Audio`, `Track 1`."""


class SoundFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a track before it is decoded."""

    index: int
    """Of the stream in its file."""
    rendition: str
    """What it is called when it is made: the main track and then the others are counted."""
    language: str | None = None
    """BCP 47."""
    label: str | None = None
    """Text from strangers, without control characters, and short."""


def numbered(rendition: str, place: int) -> str:
    """Return the name of a rendition of sound: `audio-aac`, `audio-aac-2` ..."""
    return rendition if place == 0 else f"{rendition}-{place + 1}"


def label_of(tags: Mapping[str, str]) -> str | None:
    """Return what a track is called, when it is called something: titles first, then the handler's name."""
    texts = (_cleaned(tags.get(key, "")) for key in ("title", "name", "handler_name"))
    return next((text for text in texts if text and not _NAMES_OF_WRITERS.search(text)), None)


def _cleaned(text: str) -> str:
    """Return a text in one line without what cannot be seen: marks of direction would turn a menu around."""
    whole = unicodedata.normalize("NFC", text[: 4 * _LABEL_CHARS_MAX])
    kept = (" " if one.isspace() else one for one in whole if one.isspace() or one.isprintable())
    seen = "".join(kept).replace("\N{REPLACEMENT CHARACTER}", "")
    return " ".join(seen.split())[:_LABEL_CHARS_MAX].rstrip()
