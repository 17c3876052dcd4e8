"""Text on its way into storage: what can be kept at all, and which words it is found by.

Pure, and shared by the adapters and their twins: search answers alike whatever the server's locale is.
"""

import re
import unicodedata
from typing import Final, overload

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

# Han and kana are written without spaces: each sign counts as a word, so that a part of a phrase finds it.
_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_WORD_CHARACTERS_MAX: Final = 64
"""Longer words are cut: an index entry must fit a page, and nobody types more."""


@overload
def storable(text: str) -> str: ...
@overload
def storable(text: None) -> None: ...
def storable(text: str | None) -> str | None:
    """Return the text with what no Postgres text can hold replaced: NUL and lone surrogates."""
    if text is None or (text.isascii() and "\x00" not in text):
        return text
    return _SURROGATE.sub(REPLACEMENT, text.replace("\x00", REPLACEMENT))


def words_of(text: str | None) -> list[str]:
    """Return the distinct words of a text in order of first appearance, compatibility- and case-folded."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text or "").casefold())
    return list(dict.fromkeys(word[:_WORD_CHARACTERS_MAX] for word in _WORD.findall(folded)))
