"""Ids: UUIDv7 (RFC 9562, section 5.7), which sort by the time they were made. Python 3.11 lacks them.

Where a repeated request has to find its id again without anybody having kept it, UUIDv8 (section 5.8).
"""

import secrets
from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

RANDOM_BITS: Final = 74
_LOW_BITS: Final = 62


def uuid7(now_ms: int, random: int) -> UUID:
    """Return the id of a moment in unix milliseconds, with the low 74 bits of `random` as its rest."""
    moment = now_ms & ((1 << 48) - 1)
    high, low = random >> _LOW_BITS & 0xFFF, random & ((1 << _LOW_BITS) - 1)
    return UUID(int=moment << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


def new_id(now: datetime) -> UUID:
    """Return a new id of this moment. Nobody can guess it from others."""
    return uuid7(int(now.timestamp() * 1000), secrets.randbits(RANDOM_BITS))


def uuid8(digest: bytes) -> UUID:
    """Return the one id of a keyed digest of 16 bytes or more: of no moment, and nobody can guess it."""
    number = int.from_bytes(digest[:16], "big")
    return UUID(int=number & ~(0xF << 76 | 0b11 << _LOW_BITS) | 8 << 76 | 0b10 << _LOW_BITS)


def derived_uuid7(cause: UUID, purpose: str) -> UUID:
    """Return the one id that something made together with `cause` has on every try, of the same moment."""
    digest = blake2b(cause.bytes + purpose.encode(), digest_size=10).digest()
    return uuid7(cause.int >> 80, int.from_bytes(digest, "big"))
