"""What is wrong with a clip that plays all the same: a closed set of codes, each with a sentence.

Every code says what became of the clip, not how often: pieces of it are read more than once, and a client can
only act on what it is.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from subjects.media import Value


class WarningCode(StrEnum):
    """What a warning is about. Values are part of the public API."""

    DAMAGED_PICTURES = "damaged_pictures"
    DAMAGED_SOUND = "damaged_sound"
    TRUNCATED = "truncated"
    BROKEN_TIMES = "broken_times"
    SOUND_LEFT_OUT = "sound_left_out"
    SOURCE_ENCODED = "source_encoded"
    RENDITION_MISSING = "rendition_missing"
    DOLBY_VISION_BASE_LAYER = "dolby_vision_base_layer"


WARNINGS: Final[dict[WarningCode, str]] = {
    WarningCode.DAMAGED_PICTURES: "Parts of the picture are damaged in the file; the rest is as it was.",
    WarningCode.DAMAGED_SOUND: "Parts of the sound are damaged in the file; they are silent or left out.",
    WarningCode.TRUNCATED: (
        "The file or its picture ends before it says so; what is there plays, and the last picture stays."
    ),
    WarningCode.BROKEN_TIMES: "The times in the file jump; the picture may stand still or be cut there.",
    WarningCode.SOUND_LEFT_OUT: "The sound could not be decoded; the video plays without it.",
    WarningCode.SOURCE_ENCODED: "The file could not be cut into segments as it is; it was encoded instead.",
    WarningCode.RENDITION_MISSING: (
        "Some sizes could not be made; the video plays in those there are. Retry to have them tried again."
    ),
    WarningCode.DOLBY_VISION_BASE_LAYER: (
        "The colours need Dolby Vision, which is not decoded; only the base layer is shown, and looks wrong."
    ),
}
"""What has become of the clip."""


class SourceWarning(Value, frozen=True, kw_only=True):
    """Something is wrong with the clip, and this is what a stage made of it."""

    stage: str
    code: str
    detail: str


def warned(stage: str, codes: Iterable[str]) -> tuple[SourceWarning, ...]:
    """Return the warnings of a stage, each once, in the order of their codes. Raises ValueError."""
    known = sorted({WarningCode(code) for code in codes})
    return tuple(SourceWarning(stage=stage, code=code, detail=WARNINGS[code]) for code in known)
