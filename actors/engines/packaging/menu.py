"""What a player's menu says of sounds and captions: names that differ, and languages that are some. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from subjects.media import Rendition

LONGEST_NAME: Final = 100
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
"""The form of a tag that begins with a language (RFC 5646, section 2.1)."""
_UNKNOWN: Final = "und"
"""Said of a language that nobody knows (ISO 639-2): the same as not saying it."""


def told_language(audio: Rendition) -> str | None:
    """Return the language tag of a sound, or None when it has none that could be one."""
    tag = audio.language
    known = tag is not None and _LANGUAGE.fullmatch(tag) and tag.lower() != _UNKNOWN
    return tag if known else None


def names_of(audios: Iterable[Rendition]) -> list[str]:
    """Return what each sound is called: by its source, else by its language, else as it is named in keys."""
    return distinct(quotable(one.label or "") or told_language(one) or one.name for one in audios)


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names, with a number behind each that was there before: no group may have one twice."""
    found: list[str] = []
    for name in names:
        number, told = 1, name
        while told in found:
            number += 1
            told = f"{name} ({number})"
        found.append(told)
    return found


def quotable(text: str) -> str:
    """Return a text as a quoted string of a playlist can hold it (RFC 8216, section 4.2)."""
    return plain(text).replace('"', "'")


def plain(text: str) -> str:
    """Return a text without characters that are not seen: neither playlists nor XML have a place for them.

    In the normal form C, as playlists are (RFC 8216, section 4.1).
    """
    kept = "".join(c for c in unicodedata.normalize("NFC", text) if c.isprintable())
    return " ".join(kept.split())[:LONGEST_NAME].rstrip()
