"""Signed URLs: whoever holds one may use it, nobody can make one up.

    {media_url}/uploads/{upload_id}.{signature}
    {media_url}/media/{video_id}/{name}?expires={unix seconds}&signature={signature}

A signature is HMAC-SHA256 (RFC 2104), cut to 144 bits and written as 24 base64url characters. Each purpose
signs under its own label, so that one never passes for the other. Pure: the time is an argument.
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote
from uuid import UUID

from gateway.config import GatewayConfig

KEY_BYTES_MIN: Final = 32
EXPIRY_STEP_SECONDS: Final = 3600
"""Expiries are multiples of this, so that the URLs of an hour are the same and a cache can hold them."""

_SIGNATURE_BYTES: Final = 18
_EXPIRY_DIGITS_MAX: Final = 12
_UPLOAD: Final = b"truthtok upload 1\x00"
_MEDIA: Final = b"truthtok media 1\x00"

Verdict = Literal["valid", "bad", "expired"]


def upload_url(config: GatewayConfig, upload_id: UUID) -> str:
    """Return the URL of an upload, which is its own permission. Raises ValueError for a short key."""
    return f"{config.media_url}/uploads/{upload_token(config, upload_id)}"


def upload_token(config: GatewayConfig, upload_id: UUID) -> str:
    """Return the last path segment of an upload's URL."""
    return f"{upload_id}.{_sign(keys_of(config)[0], _UPLOAD + upload_id.bytes)}"


def find_upload_id(config: GatewayConfig, token: str) -> UUID | None:
    """Return the upload that a URL's last path segment names, or None when it is not one of ours."""
    text, _, signature = token.partition(".")
    upload_id = find_uuid(text)
    if upload_id is None or not _is_signed(config, _UPLOAD + upload_id.bytes, signature):
        return None
    return upload_id


def media_expiry(config: GatewayConfig, now: datetime) -> int:
    """Return when a URL made now stops working, in unix seconds: its time to live and up to an hour more."""
    earliest = now.timestamp() + config.url_ttl_seconds
    return int(-(-earliest // EXPIRY_STEP_SECONDS)) * EXPIRY_STEP_SECONDS


def media_url(config: GatewayConfig, video_id: UUID, name: str, expires_at: int) -> str:
    """Return a URL of one object of a video. `expires_at`: unix seconds, see `media_expiry`."""
    return f"{config.media_url}/media/{video_id}/{quote(name)}?{media_query(config, video_id, expires_at)}"


def media_query(config: GatewayConfig, video_id: UUID, expires_at: int) -> str:
    """Return the query that opens every object of one video until `expires_at`, in unix seconds."""
    signature = _sign(keys_of(config)[0], _media_text(video_id, expires_at))
    return f"expires={expires_at}&signature={signature}"


def check_media(
    config: GatewayConfig, video_id: UUID, expires: str, signature: str, now: datetime
) -> Verdict:
    """Judge the two query parameters of a media URL as they came. Only a true signature can be expired."""
    expires_at = _find_expiry(expires)
    if expires_at is None or not _is_signed(config, _media_text(video_id, expires_at), signature):
        return "bad"
    return "valid" if now.timestamp() < expires_at else "expired"


def find_uuid(text: str) -> UUID | None:
    """Return the id that is written exactly as we write ids, or None."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def _find_expiry(text: str) -> int | None:
    written = text.isascii() and text.isdecimal() and len(text) <= _EXPIRY_DIGITS_MAX
    return int(text) if written and str(int(text)) == text else None


def _media_text(video_id: UUID, expires_at: int) -> bytes:
    return _MEDIA + video_id.bytes + expires_at.to_bytes(8, "big")


def keys_of(config: GatewayConfig) -> tuple[bytes, ...]:
    """Return the keys: the first signs, each opens. A rotated key stays behind it until its URLs ran out.

    Raises ValueError for a short one.
    """
    keys = (config.signing_key, *config.former_signing_keys)
    if any(len(key) < KEY_BYTES_MIN for key in keys):
        raise ValueError(f"a signing key must have at least {KEY_BYTES_MIN} bytes")
    return keys


def _sign(key: bytes, text: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, text, "sha256")[:_SIGNATURE_BYTES]).decode()


def _is_signed(config: GatewayConfig, text: bytes, signature: str) -> bool:
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(_sign(key, text).encode(), given) for key in keys_of(config))
