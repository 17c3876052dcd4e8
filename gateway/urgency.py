"""How urgent a video's work is. Pure."""

from typing import Final

from subjects.message import Priority

SMALL_BYTES: Final = 64 * 1024**2
"""Up to here a video is a clip that somebody waits for; beyond, it may take its time."""


def priority_of(size_bytes: int | None) -> Priority:
    """Return how urgent a video of this size is; an unknown size is a clip until proven otherwise."""
    return Priority.LOW if size_bytes is not None and size_bytes > SMALL_BYTES else Priority.NORMAL
