"""What browsers are told: which origins may call (CORS, Fetch standard) and how to treat the answers."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from gateway.problems import ProblemError

SECURITY: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Api-Key, X-Request-Id"
)
EXPOSED_HEADERS: Final = "Allow, ETag, Idempotency-Replayed, Location, Retry-After, X-Request-Id"
PREFLIGHT_SECONDS: Final = 600
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def cors_headers(origin: str, allowed: tuple[str, ...]) -> dict[str, str]:
    """Return what lets a page of `origin` read the answer; only Vary when it may not."""
    if not allowed:
        return {}
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED_HEADERS}
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        "Vary": "Origin",
    }


def preflight_headers(allow: str) -> dict[str, str]:
    """Return what answers a preflight beside `cors_headers`."""
    return {
        "Allow": allow,
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }


def refuse_foreign_writes(
    method: str, headers: Mapping[str, str], allowed: tuple[str, ...], api_url: str
) -> None:
    """Raise ProblemError 403 for a write that a page of another origin makes its visitor's browser send.

    The local account needs no credentials, so any page could use it: a bodiless POST needs no preflight.
    Programs send no Origin.
    """
    origin = headers.get("origin")
    if origin is None or method in _SAFE or "*" in allowed or origin in allowed:
        return
    given = urlsplit(origin)
    if given.netloc and given.netloc in (urlsplit(api_url).netloc, headers.get("host", "")):
        return
    raise ProblemError("forbidden", "Pages of this origin may not write here; see allowed_origins.")
