"""Envelope encryption: data keys are kept beside what they seal, wrapped by keys that are kept elsewhere.

    vault = Vault((newest, older))          # TRUTHTOK_MASTER_KEYS
    data_key, wrapped = vault.new_data_key(b"user:…")
    sealed = seal(data_key, b"rain@example.org", b"email")

Everything is XChaCha20-Poly1305 (libsodium's `crypto_aead_xchacha20poly1305_ietf`), 24 random bytes of nonce
in front. The context is authenticated with it, so that nothing sealed for one place passes in another. Each
master key has subkeys by purpose: BLAKE2b, keyed with it and personalised by the purpose, as in libsodium's
`crypto_kdf` (RFC 7693, section 2.5).

Rotation without downtime, each step once every process has restarted with the one before: put the new key
last, so that all can open what it will seal and find whom it will hide; put it first; run
`truthtok keys rewrap`; drop the old one. A key that is first in one process and unknown to another would let
the two register one e-mail twice.
"""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from storage.errors import MasterKeyUnknownError, SealBrokenError
from storage.words import storable

KEY_BYTES: Final = 32
NAME_BYTES: Final = 8
"""A master key is named by so many bytes of its fingerprint, in front of what it wraps."""
WRAPPED_BYTES: Final = 80
"""A wrapped data key: name, nonce, the key, and a tag of 16 bytes."""
_NONCE_BYTES: Final = 24
_WRAP: Final = b"tt wrap 1"
_LOOKUP: Final = b"tt lookup 1"
_NAME: Final = b"tt name 1"
_CONTENT: Final = b"tt content 1"
CONTENT_KEY_BYTES: Final = 16
"""Of AES-128, which is what players of HLS decrypt."""


@dataclass(frozen=True, slots=True)
class Vault:
    """Master keys of 32 bytes: the first wraps, every one unwraps. ValueError for other lengths or none."""

    keys: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys or any(len(key) != KEY_BYTES for key in self.keys):
            raise ValueError(f"master keys have {KEY_BYTES} bytes each, and there is at least one")

    def new_data_key(self, context: bytes) -> tuple[bytes, bytes]:
        """Return a new key, and the same wrapped for keeping: WRAPPED_BYTES."""
        data_key = secrets.token_bytes(KEY_BYTES)
        return data_key, self.wrap(data_key, context)

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Return a data key wrapped by the newest master key."""
        newest = self.keys[0]
        return _subkey(newest, _NAME)[:NAME_BYTES] + seal(_subkey(newest, _WRAP), data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return a data key. Raises SealBrokenError."""
        for key in self.keys:
            if hmac.compare_digest(_subkey(key, _NAME)[:NAME_BYTES], wrapped[:NAME_BYTES]):
                return unseal(_subkey(key, _WRAP), wrapped[NAME_BYTES:], context)
        raise SealBrokenError("wrapped by a key that is not among the configured master keys")

    @property
    def newest_name(self) -> bytes:
        """How what the newest master key wraps begins."""
        return _subkey(self.keys[0], _NAME)[:NAME_BYTES]

    def content_key(self, name: str, context: bytes) -> bytes:
        """Return the key of what is given to players: CONTENT_KEY_BYTES. It is kept nowhere.

        Keyed BLAKE2b of the context under a subkey of the master key whose name this is in hex (see
        `newest_name`): so it stays the same while keys rotate. Raises MasterKeyUnknownError.
        """
        for key in self.keys:
            if hmac.compare_digest(_subkey(key, _NAME)[:NAME_BYTES].hex().encode(), name.encode()):
                subkey = _subkey(key, _CONTENT)
                return hashlib.blake2b(context, digest_size=CONTENT_KEY_BYTES, key=subkey).digest()
        raise MasterKeyUnknownError(name)

    def lookup_hashes(self, email: str) -> tuple[bytes, ...]:
        """Return the keyed hashes (HMAC-SHA256) under which an e-mail may be kept, the newest first."""
        folded = folded_email(email).encode()
        return tuple(hmac.digest(_subkey(key, _LOOKUP), folded, "sha256") for key in self.keys)


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Return a nonce and the sealed bytes: 40 more than were given."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(plain, context, nonce, key)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Return what was sealed. Raises SealBrokenError when key, context or a single bit differ."""
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return bytes(crypto_aead_xchacha20poly1305_ietf_decrypt(rest, context, nonce, key))
    except (CryptoError, ValueError, TypeError) as error:
        raise SealBrokenError("sealed data does not fit its key") from error


def folded_email(email: str) -> str:
    """Return an e-mail as it is compared: compatibility- and case-folded, without surrounding space.

    Folded twice, after the Unicode Standard's definition D146, since folding case can undo a composition.
    """
    folded = unicodedata.normalize("NFD", storable(email))
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return folded.strip()


@lru_cache(256)
def _subkey(key: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(b"", digest_size=KEY_BYTES, key=key, person=purpose.ljust(16, b"\x00")).digest()
