"""Secrets that clients hold: 256 random bits behind a prefix by which scanners know them. We keep hashes."""

import re
import secrets
from hashlib import sha256
from typing import Final, NamedTuple

from gateway.identity import base64url

API_KEY: Final = "tt_"
REFRESH_TOKEN: Final = "ttr_"  # noqa: S105 - what every one begins with
SHOWN_LENGTH: Final = 11
"""So much of a key its owner sees again: enough to tell keys apart, 48 of its 256 bits."""
_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"ttr?_[A-Za-z0-9_-]{43}")


class Minted(NamedTuple):
    """A new secret and what is kept of it."""

    secret: str
    secret_hash: bytes

    @property
    def shown(self) -> str:
        """The beginning, by which people tell keys apart."""
        return self.secret[:SHOWN_LENGTH]


def mint(prefix: str) -> Minted:
    """Return a new secret."""
    secret = prefix + base64url.encode(secrets.token_bytes(_SECRET_BYTES))
    return Minted(secret, hash_of(secret))


def hash_of(secret: str) -> bytes:
    """Return what is kept of a secret: SHA-256, 32 bytes. Nobody can try out 256 random bits."""
    return sha256(secret.encode()).digest()


def find_hash(secret: str, prefix: str) -> bytes | None:
    """Return the hash of a text that may be a secret of this kind; None for any other."""
    return hash_of(secret) if secret.startswith(prefix) and _FORM.fullmatch(secret) else None
