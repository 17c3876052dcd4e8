"""What browsers are told: which origins may call (CORS, Fetch standard) and how to treat the answers."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from gateway.problems import ProblemError

EVERYWHERE: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
SECURITY: Final[Mapping[str, str]] = {
    **EVERYWHERE,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Api-Key, X-Request-Id"
)
EXPOSED_HEADERS: Final = (
    "Allow, ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "WWW-Authenticate, X-Request-Id"
)
PREFLIGHT_SECONDS: Final = 7200
"""Chromium caps what it remembers of a preflight at two hours."""
PROBES: Final = frozenset({"/health", "/ready", "/metrics"})
"""Asked by whatever name an orchestrator knows us, and answered without a secret."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def cors_headers(origin: str, allowed: Sequence[str], exposed: str = EXPOSED_HEADERS) -> dict[str, str]:
    """Return what lets a page of `origin` read the answer; only Vary when it may not.

    Vary even without an origin: else a shared cache hands one origin's answer to another.
    """
    if not allowed:
        return {}
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": exposed}
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": exposed,
        "Vary": "Origin",
    }


def preflight_headers(allow: str, accepted: str = ALLOWED_HEADERS) -> dict[str, str]:
    """Return what answers a preflight beside `cors_headers`; `accepted` are the headers it may send."""
    return {
        "Allow": allow,
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": accepted,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }


def refuse_foreign_writes(
    method: str, headers: Mapping[str, str], allowed: tuple[str, ...], api_url: str
) -> None:
    """Raise ProblemError 403 for a write that a page of another origin makes its visitor's browser send.

    No browser sends our credentials by itself; but a page could register accounts and try passwords from
    its visitors' addresses. Programs send no Origin.
    """
    origin = headers.get("origin")
    if origin is None or method in _SAFE or "*" in allowed or origin in allowed:
        return
    own = headers.get("host", "") if is_plain_host(origin) else ""
    if netloc(origin) not in (netloc(api_url), own) or not netloc(origin):
        raise ProblemError("forbidden", "Pages of this origin may not write here; see allowed_origins.")


def refuse_foreign_hosts(host: str, allowed: tuple[str, ...], api_url: str) -> None:
    """Raise ProblemError 403 for a request to a name that may have been made to lead here (DNS rebinding).

    A page of that name may read every answer, and to us its visitor is a neighbour. An address, or a name
    without a dot, nobody outside can point here; any other must be that of `api_url` or of an allowed origin.
    Programs may leave the name out, browsers cannot.
    """
    name = host_name(f"//{host}")
    if not host or "*" in allowed or is_plain_host(f"//{host}") or (name and "." not in name):
        return
    if name not in {host_name(url) for url in (api_url, *allowed)} or not name:
        raise ProblemError(
            "forbidden", "This service does not go by that name: set TRUTHTOK_API_URL to the address it has."
        )


def host_name(url: str) -> str:
    """Return the host of an address in lower case, without a port; nothing when there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def netloc(url: str) -> str:
    """Return host and port of an address; nothing when there is none."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def is_plain_host(url: str) -> bool:
    """Whether an address names its host by number, or is localhost.

    Any other name may be made to lead here for a moment, so that a foreign page passes for ours (DNS
    rebinding): for those the configured `api_url` decides.
    """
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or bool(ipaddress.ip_address(host))
    except ValueError:
        return False
