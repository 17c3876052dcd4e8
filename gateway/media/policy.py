"""What browsers are told of media, where it differs from what the API tells them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.origins import EVERYWHERE, preflight_headers

SECURITY: Final[Mapping[str, str]] = {
    **EVERYWHERE,
    # Somebody else's file must never run as a page of ours, however it is opened.
    "Content-Security-Policy": "default-src 'none'; media-src 'self'; img-src 'self'; "
    "style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
    # Players live on other origins; a URL's signature is what guards the bytes.
    "Cross-Origin-Resource-Policy": "cross-origin",
}

EXPOSED: Final = (
    "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Location, RateLimit, "
    "RateLimit-Policy, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, "
    "Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, "
    "Upload-Offset, WWW-Authenticate, X-Request-Id"
)
ACCEPTED: Final = (
    "Authorization, Content-Type, If-None-Match, If-Range, Last-Event-ID, Range, Tus-Resumable, "
    "Upload-Checksum, Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, "
    "X-Api-Key, X-HTTP-Method-Override, X-Request-Id"
)


def media_preflight(methods: Sequence[str]) -> dict[str, str]:
    """Return what answers a preflight for a route with these methods."""
    return preflight_headers(", ".join(methods), ACCEPTED)
