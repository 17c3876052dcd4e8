"""Range requests (RFC 9110, section 14): which bytes are asked for. Pure."""

import re
from typing import Final, NamedTuple

# One range only: for several the whole object is served, which the RFC allows and players never ask for.
_RANGE: Final = re.compile(
    r"bytes[ \t]*=[ \t]*(\d{0,18})[ \t]*-[ \t]*(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE
)


class Span(NamedTuple):
    """Bytes from start up to, not including, end."""

    start_bytes: int
    end_bytes: int

    def content_range(self, size_bytes: int) -> str:
        """Return the Content-Range of this part of an object."""
        return f"bytes {self.start_bytes}-{self.end_bytes - 1}/{size_bytes}"


class UnsatisfiableError(ValueError):
    """No byte of the object is asked for."""


def find_span(header: str, size_bytes: int) -> Span | None:
    """Return the part of an object that a Range header asks for, None for all of it.

    Headers that are malformed, in another unit or ask for several parts are ignored, as the RFC wants it.
    Raises UnsatisfiableError.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return _suffix(int(last), size_bytes)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size_bytes:
        raise UnsatisfiableError(f"{start} is beyond {size_bytes} bytes")
    return Span(start, min(int(last) + 1, size_bytes) if last else size_bytes)


def _suffix(count_bytes: int, size_bytes: int) -> Span:
    if count_bytes == 0 or size_bytes == 0:
        raise UnsatisfiableError("the last 0 bytes are none")
    return Span(max(0, size_bytes - count_bytes), size_bytes)
