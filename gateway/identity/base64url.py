"""base64url without padding (RFC 4648, section 5; RFC 7515, section 2), read strictly. Pure."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

_FORM: Final = re.compile(r"[A-Za-z0-9_-]+")


def encode(data: bytes) -> str:
    """Return bytes as text."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes of a text. Raises ValueError for one that `encode` would have written otherwise.

    Python's decoder skips what it does not know and ignores the last bits: two texts would be one token.
    """
    if not _FORM.fullmatch(text):
        raise ValueError("not base64url")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
