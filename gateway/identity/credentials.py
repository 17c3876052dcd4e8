"""What a request shows to be known by: an access token, an API key, or nothing. Pure."""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from gateway.identity.access_tokens import refused
from gateway.identity.minting import API_KEY
from gateway.problems import ProblemError, unauthenticated

LONGEST: Final = 4096
"""In characters; nothing of ours is half as long."""
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
"""RFC 6750, section 2.1. Headers that came twice are joined with a comma, which is in none."""


class Shown(NamedTuple):
    """A credential as it was sent."""

    kind: Literal["token", "key"]
    text: str


def find_shown(headers: Mapping[str, str]) -> Shown | None:
    """Return what a request shows, by lower-case header name; None for nothing.

    Raises ProblemError 401 for what cannot be a credential, 400 for two different ones.
    """
    authorization, key = headers.get("authorization"), headers.get("x-api-key")
    if authorization is None and key is None:
        return None
    bearer = _bearer(authorization) if authorization is not None else None
    if bearer is not None and key is not None and bearer != key:
        raise _ambiguous()
    text = bearer if bearer is not None else str(key)
    if bearer is None and not text.startswith(API_KEY):
        raise refused("X-Api-Key takes an API key; send access tokens as `Authorization: Bearer …`.")
    return Shown("key" if text.startswith(API_KEY) else "token", text)


def _bearer(authorization: str) -> str:
    found = _BEARER.fullmatch(authorization.strip()) if len(authorization) <= LONGEST else None
    if found is None:
        raise refused("Send `Authorization: Bearer …` with one access token or API key.")
    return found[1]


def _ambiguous() -> ProblemError:
    """Return the 400 for a request that says twice who asks (RFC 6750, section 3.1: `invalid_request`)."""
    challenge = unauthenticated("", "invalid_request").headers
    detail = "Send an access token or an API key, not two different ones."
    return ProblemError("malformed_request", detail, headers=challenge)
