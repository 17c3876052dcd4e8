"""The cursor of a list: opaque to clients, checked when it comes back, without state of ours.

base64url( version 1 | moment in microseconds, 8 bytes | id, 16 bytes | HMAC-SHA256 cut to 8 bytes )
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from gateway.body import parameter_problem

_VERSION: Final = b"\x01"
_SEAL_BYTES: Final = 8
_WHOLE_BYTES: Final = 1 + 8 + 16 + _SEAL_BYTES
_FORM: Final = re.compile(r"[A-Za-z0-9_-]+")
"""The decoder would take the letters of the other base64 for ours, and leave out what it does not know."""
_LABEL: Final = b"truthtok cursor 1\x00"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def encode_cursor(key: bytes, at: datetime, item_id: UUID) -> str:
    """Return the cursor that continues behind this item."""
    microseconds = (at - _EPOCH) // timedelta(microseconds=1)
    plain = _VERSION + microseconds.to_bytes(8, "big", signed=True) + item_id.bytes
    return urlsafe_b64encode(plain + _seal(key, plain)).decode().rstrip("=")


def decode_cursor(keys: Sequence[bytes], cursor: str) -> tuple[datetime, UUID]:
    """Return where a cursor points that any of the keys sealed.

    Raises ProblemError 400 that names it when it is not one of ours.
    """
    whole = _bytes_of(cursor) if _FORM.fullmatch(cursor) else b""
    plain, seal = whole[:-_SEAL_BYTES], whole[-_SEAL_BYTES:]
    if (
        len(whole) != _WHOLE_BYTES
        or not any(hmac.compare_digest(seal, _seal(key, plain)) for key in keys)
        or not plain.startswith(_VERSION)
    ):
        raise parameter_problem("cursor", "not a cursor of this list; begin without one")
    microseconds = int.from_bytes(plain[1:9], "big", signed=True)
    return _EPOCH + timedelta(microseconds=microseconds), UUID(bytes=plain[9:])


def _bytes_of(cursor: str) -> bytes:
    try:
        return urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        return b""


def _seal(key: bytes, plain: bytes) -> bytes:
    return hmac.digest(key, _LABEL + plain, "sha256")[:_SEAL_BYTES]
