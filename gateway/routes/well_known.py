"""`GET /.well-known/jwks.json`: the public keys of the access tokens (RFC 7517, RFC 8037)."""

from typing import Final, Literal

from gateway.ports import Surroundings
from gateway.route import Answer, Call, Reply, Route


class PublicKey(Answer, frozen=True, kw_only=True):
    """A public Ed25519 key."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"
    kid: str
    """Its thumbprint (RFC 7638)."""
    x: str


class PublicKeys(Answer, frozen=True, kw_only=True):
    """A JSON Web Key Set."""

    keys: tuple[PublicKey, ...]


async def get_public_keys(house: Surroundings, call: Call) -> Reply:  # noqa: ARG001 - a handler takes both
    """Return the keys that access tokens are verified with."""
    keys = tuple(PublicKey(kid=key.kid, x=key.x) for key in house.tokens.keys)
    return Reply(body=PublicKeys(keys=keys))


ROUTES: Final = (
    Route(
        method="GET",
        path="/.well-known/jwks.json",
        handler=get_public_keys,
        summary="Public keys of the access tokens",
        group="Identity",
        answer=PublicKeys,
        headers={"Cache-Control": "public, max-age=300"},
    ),
)
