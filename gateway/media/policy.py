"""Headers that browsers obey: who may read an answer, and what they may do with it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

SECURITY: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    # Somebody else's file must never run as a page of ours, however it is opened.
    "Content-Security-Policy": "default-src 'none'; media-src 'self'; img-src 'self'; "
    "style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    # Players live on other origins; a URL's signature is what guards the bytes.
    "Cross-Origin-Resource-Policy": "cross-origin",
}

EXPOSED: Final = (
    "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Location, Retry-After, "
    "Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Concat, "
    "Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset, X-Request-Id"
)
ACCEPTED: Final = (
    "Authorization, Content-Type, If-None-Match, If-Range, Last-Event-ID, Range, Tus-Resumable, "
    "Upload-Checksum, Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, "
    "X-Api-Key, X-HTTP-Method-Override, X-Request-Id"
)
PREFLIGHT_SECONDS: Final = 7200
"""Chromium caps what it remembers of a preflight at two hours."""

ANY: Final = "*"


def cors_headers(allowed: Sequence[str], origin: str) -> dict[str, str]:
    """Return the CORS headers of an answer to a request from `origin`, which may be empty."""
    if ANY in allowed:
        return {"Access-Control-Allow-Origin": ANY, "Access-Control-Expose-Headers": EXPOSED}
    # Said even without an origin: else a shared cache hands one origin's answer to another.
    headers = {"Vary": "Origin"} if allowed else {}
    if origin and origin in allowed:
        headers |= {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}
    return headers


def preflight_headers(methods: Sequence[str]) -> dict[str, str]:
    """Return what a preflight adds for a route with these methods."""
    return {
        "Allow": ", ".join(methods),
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ACCEPTED,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
