"""How an encrypted object lies in the store: a header, then chunks that are sealed one by one. Pure.

    header   magic and version (8 bytes), cipher (1), nonce prefix (7), data key wrapped by the vault (80)
    chunk    64 KiB of the object, or what is left of it at the end, and a tag of 16 bytes

Each chunk has the nonce `prefix ‖ number ‖ is it the last`: the STREAM construction (Hoang, Reyhanitabar,
Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015). A chunk
that is missing, moved, repeated or appended does not open. What stands in front of the wrapped key is
authenticated with each chunk, and again with that key, together with the object's name: none passes for
another. Only the last chunk may be shorter, and only that of an empty object is empty, so that the stored
size says the object's own.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from nacl.bindings import (
    crypto_aead_aes256gcm_decrypt,
    crypto_aead_aes256gcm_encrypt,
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError, UnavailableError

from storage.errors import SealBrokenError
from storage.sealing import KEY_BYTES, WRAPPED_BYTES, Vault

CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES
MAGIC: Final = b"\xf1TTSEAL\x01"
"""The first byte begins no text and no media that we know; the last is the version."""
_PRELUDE_BYTES: Final = 16
HEADER_BYTES: Final = _PRELUDE_BYTES + WRAPPED_BYTES
_PREFIX_BYTES: Final = 7
_COUNTER_BYTES: Final = 4

AES_256_GCM: Final = 1
CHACHA20_POLY1305: Final = 2

_Crypt = Callable[[bytes, bytes, bytes, bytes], Any]
_ENCRYPT: Final[Mapping[int, _Crypt]] = {
    AES_256_GCM: crypto_aead_aes256gcm_encrypt,
    CHACHA20_POLY1305: crypto_aead_chacha20poly1305_ietf_encrypt,
}
_DECRYPT: Final[Mapping[int, _Crypt]] = {
    AES_256_GCM: crypto_aead_aes256gcm_decrypt,
    CHACHA20_POLY1305: crypto_aead_chacha20poly1305_ietf_decrypt,
}


@dataclass(frozen=True, slots=True)
class Seal:
    """What seals and opens the chunks of one object, which may hold 256 TiB."""

    prelude: bytes
    """The header in front of the wrapped key."""
    wrapped: bytes
    data_key: bytes = field(repr=False)

    @property
    def header(self) -> bytes:
        """The header as it is stored."""
        return self.prelude + self.wrapped

    def close(self, number: int, plain: bytes, *, last: bool) -> bytes:
        """Return the stored form of one chunk. `last`: it ends the object; no other is short."""
        nonce = self._nonce(number, last=last)
        return bytes(_ENCRYPT[self._cipher](plain, self.prelude, nonce, self.data_key))

    def open(self, number: int, stored: bytes, *, last: bool) -> bytes:
        """Return what the stored form of one chunk holds. Raises SealBrokenError."""
        try:
            nonce = self._nonce(number, last=last)
            return bytes(_DECRYPT[self._cipher](stored, self.prelude, nonce, self.data_key))
        except UnavailableError as error:
            raise SealBrokenError("the object is in AES-256-GCM, which this processor lacks") from error
        except (CryptoError, ValueError, OverflowError) as error:
            raise SealBrokenError(f"chunk {number} of the object does not fit its key and place") from error

    def close_whole(self, plain: bytes) -> bytes:
        """Return the stored form of an object."""
        cuts = list(_cuts(0, len(plain), CHUNK_BYTES))
        chunks = (
            self.close(number, plain[cut], last=number == len(cuts) - 1) for number, cut in enumerate(cuts)
        )
        return b"".join((self.header, *chunks))

    def open_whole(self, stored: bytes) -> bytes:
        """Return the object whose stored form that is. Raises SealBrokenError."""
        cuts = list(_cuts(HEADER_BYTES, len(stored), SEALED_CHUNK_BYTES))
        return b"".join(
            self.open(number, stored[cut], last=number == len(cuts) - 1) for number, cut in enumerate(cuts)
        )

    @property
    def _cipher(self) -> int:
        return self.prelude[len(MAGIC)]

    def _nonce(self, number: int, *, last: bool) -> bytes:
        return self.prelude[-_PREFIX_BYTES:] + number.to_bytes(_COUNTER_BYTES, "big") + bytes([last])


class Place(NamedTuple):
    """Where chunks lie in the stored form of an object."""

    first: int
    """The number of the first."""
    start_bytes: int
    end_bytes: int
    reaches_end: bool
    """The last of them is the object's last."""


WHOLE: Final = Place(0, HEADER_BYTES, 0, reaches_end=True)
"""From the first chunk to the end, wherever that may be."""


def new_seal(vault: Vault, key: str, cipher: int | None = None) -> Seal:
    """Return a seal with a key of its own for the object at `key`; the cipher is the processor's best."""
    prelude = MAGIC + bytes([cipher or best_cipher()]) + secrets.token_bytes(_PREFIX_BYTES)
    data_key, wrapped = vault.new_data_key(_context(key, prelude))
    return Seal(prelude, wrapped, data_key)


def find_seal(vault: Vault, key: str, start: bytes) -> Seal | None:
    """Return the seal of the object at `key`, which begins with `start`; None when it is not ours.

    Raises SealBrokenError for a header that is damaged, of another object, or under an unknown master key.
    """
    if not start.startswith(MAGIC):
        return None
    prelude, wrapped = start[:_PRELUDE_BYTES], start[_PRELUDE_BYTES:HEADER_BYTES]
    if len(start) < HEADER_BYTES or prelude[len(MAGIC)] not in _DECRYPT:
        raise SealBrokenError(f"the header of {key} is cut off, or of a version that is not ours")
    return Seal(prelude, wrapped, vault.unwrap(wrapped, _context(key, prelude)))


def plain_size(stored_bytes: int) -> int:
    """Return how many bytes an object has whose stored form has so many. Raises SealBrokenError."""
    whole, rest = divmod(stored_bytes - HEADER_BYTES, SEALED_CHUNK_BYTES)
    is_empty = stored_bytes == HEADER_BYTES + TAG_BYTES
    if stored_bytes <= HEADER_BYTES or (0 < rest <= TAG_BYTES and not is_empty):
        raise SealBrokenError(f"no encrypted object has {stored_bytes} bytes")
    return whole * CHUNK_BYTES + max(rest - TAG_BYTES, 0)


def place_of(start_bytes: int, end_bytes: int, stored_bytes: int) -> Place:
    """Return where the chunks lie that hold the bytes from start up to, not including, end: one at least."""
    first, final = start_bytes // CHUNK_BYTES, (end_bytes - 1) // CHUNK_BYTES
    stop = HEADER_BYTES + (final + 1) * SEALED_CHUNK_BYTES
    return Place(
        first,
        HEADER_BYTES + first * SEALED_CHUNK_BYTES,
        min(stop, stored_bytes),
        reaches_end=stop >= stored_bytes,
    )


def last_place(stored_bytes: int) -> Place:
    """Return where the last chunk lies, also that of an empty object. Raises SealBrokenError."""
    first = max(plain_size(stored_bytes) - 1, 0) // CHUNK_BYTES
    start_bytes = HEADER_BYTES + first * SEALED_CHUNK_BYTES
    return Place(first, start_bytes, stored_bytes, reaches_end=True)


@lru_cache(1)
def best_cipher() -> int:
    """Return AES-256-GCM where the processor has instructions for it, else ChaCha20-Poly1305."""
    try:
        crypto_aead_aes256gcm_encrypt(b"", None, bytes(12), bytes(KEY_BYTES))
    except UnavailableError:
        return CHACHA20_POLY1305
    return AES_256_GCM


def _cuts(start: int, end: int, step: int) -> Iterator[slice]:
    """Yield where the chunks lie; no bytes are one empty chunk."""
    return (slice(at, at + step) for at in range(start, max(end, start + 1), step))


def _context(key: str, prelude: bytes) -> bytes:
    return b"object:" + key.encode() + b":" + prelude
