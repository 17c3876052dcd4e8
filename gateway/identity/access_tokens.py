"""Access tokens: JWT (RFC 7519, profile RFC 9068), signed with Ed25519 (RFC 8037).

    token = tokens.issue(user_id, session_id, now)
    claims = tokens.read(token, now)

A token names a session and no role: what it gives is asked of the session (`standing.py`).
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Literal, NoReturn
from uuid import UUID

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from gateway.config import GatewayConfig
from gateway.identity import base64url
from gateway.problems import ProblemError, unauthenticated

AUDIENCE: Final = "truthtok"
LONGEST: Final = 2048
"""In characters; ours have about 500."""
LEEWAY_SECONDS: Final = 30
"""How far the clocks of our machines may be apart, for the beginning of a token; its end is exact."""
_PARTS: Final = 3


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one header we write. Another member (`crit`, `jwk`, `jku`, `x5c` …) makes it another's."""

    # RFC 9864 deprecates `EdDSA` for `Ed25519`, which names the curve, too. Ours stays as promised to those
    # who verify tokens by themselves: our keys leave no choice of a curve.
    alg: Literal["EdDSA"]
    typ: Literal["at+jwt"]
    kid: str


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says. Times in unix seconds."""

    iss: str
    aud: str
    sub: UUID
    """The account."""
    sid: UUID
    """The session."""
    jti: str
    iat: int
    nbf: int
    exp: int


class TokenKey:
    """One Ed25519 key, made of a seed of 32 bytes, named by its thumbprint (RFC 7638)."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)

    @cached_property
    def x(self) -> str:
        """The public key."""
        return base64url.encode(bytes(self._key.verify_key))

    @cached_property
    def kid(self) -> str:
        """The name."""
        members = f'{{"crv":"Ed25519","kty":"OKP","x":"{self.x}"}}'
        return base64url.encode(sha256(members.encode()).digest())

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a text, 64 bytes."""
        return self._key.sign(text).signature

    def check(self, text: bytes, signature: bytes) -> None:
        """Raise ValueError unless this key signed the text."""
        try:
            self._key.verify_key.verify(text, signature)
        except (BadSignatureError, TypeError) as error:
            raise ValueError("the signature does not fit") from error


class AccessTokens:
    """Issues tokens with the first key, and reads those of every key."""

    def __init__(self, issuer: str, seconds: float, seeds: tuple[bytes, ...]) -> None:
        self.seconds = int(seconds)
        self._issuer = issuer
        self._keys: Mapping[str, TokenKey] = {key.kid: key for key in map(TokenKey, seeds)}

    @property
    def keys(self) -> tuple[TokenKey, ...]:
        """The keys: the first signs, each verifies."""
        return tuple(self._keys.values())

    def issue(self, user_id: UUID, session_id: UUID, now: datetime) -> str:
        """Return a new token. Raises ValueError without a key."""
        begins = int(now.timestamp())
        return self.sign(
            Claims(
                iss=self._issuer,
                aud=AUDIENCE,
                sub=user_id,
                sid=session_id,
                jti=secrets.token_hex(16),
                iat=begins,
                nbf=begins,
                exp=begins + self.seconds,
            )
        )

    def sign(self, claims: Claims) -> str:
        """Return the token of these claims. Raises ValueError without a key."""
        if not self._keys:
            raise ValueError("without token keys nobody can sign in: set TRUTHTOK_TOKEN_KEYS")
        key = self.keys[0]
        header = Header(alg="EdDSA", typ="at+jwt", kid=key.kid)
        text = ".".join(base64url.encode(msgspec.json.encode(part)) for part in (header, claims))
        return f"{text}.{base64url.encode(key.sign(text.encode()))}"

    def read(self, token: str, now: datetime) -> Claims:
        """Return the claims of a token that is in order now. Raises ProblemError 401."""
        try:
            claims = self._verified(token)
        except (ValueError, RecursionError, msgspec.ValidationError):
            raise refused("This is no access token of ours.") from None
        moment = now.timestamp()
        if claims.iss != self._issuer or claims.aud != AUDIENCE:
            raise refused("This access token is for another service.")
        if max(claims.iat, claims.nbf) > moment + LEEWAY_SECONDS:
            raise refused("This access token is not valid yet.")
        if moment >= claims.exp:
            raise refused("This access token has run out: refresh it.")
        return claims

    def _verified(self, token: str) -> Claims:
        """Return what one of our keys signed. Raises ValueError or msgspec.ValidationError."""
        parts = token.split(".")
        if len(token) > LONGEST or len(parts) != _PARTS:
            raise ValueError("not a token")
        header = msgspec.convert(_read_object(parts[0]), Header)
        key = self._keys.get(header.kid)
        if key is None:
            raise ValueError("signed with another key")
        key.check(f"{parts[0]}.{parts[1]}".encode("ascii"), base64url.decode(parts[2]))
        return msgspec.convert(_read_object(parts[1]), Claims)


def access_tokens_of(config: GatewayConfig) -> AccessTokens:
    """Return the configured tokens."""
    return AccessTokens(config.api_url, config.access_token_seconds, config.token_seeds)


def refused(detail: str) -> ProblemError:
    """Return the 401 for a token or key that is not in order (RFC 6750, section 3.1)."""
    return unauthenticated(detail, "invalid_token")


def _read_object(part: str) -> Any:
    """Return the JSON of a part. Raises ValueError, also for a name that comes twice: readers differ."""
    return json.loads(base64url.decode(part), object_pairs_hook=_members, parse_constant=_refuse)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
