"""Upload-Checksum: a promise about the bytes of one PATCH. Pure but for the digest's own state."""

import hashlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gateway.problems import ProblemError

ALGORITHMS: Final[dict[str, Callable[[], Any]]] = {
    "sha256": hashlib.sha256,
    # Against broken lines, not against forgers: tus makes sha1 a must, and S3 tools know md5.
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "md5": partial(hashlib.md5, usedforsecurity=False),
}


@dataclass(slots=True)
class Checksum:
    """What a client promised, and the digest of what has come so far."""

    digest: Any
    promised: bytes

    def update(self, data: bytes) -> None:
        """Take in the next bytes; large ones let other threads run meanwhile."""
        self.digest.update(data)

    @property
    def fits(self) -> bool:
        """Whether the bytes are those that were promised."""
        return bool(self.digest.digest() == self.promised)


def find_checksum(text: str | None) -> Checksum | None:
    """Read the header, `sha256 <base64>`; None when it is absent. Raises ProblemError 400."""
    if text is None:
        return None
    name, _, encoded = text.strip().partition(" ")
    make = ALGORITHMS.get(name.lower())
    if make is None:
        raise ProblemError("invalid_parameter", f"Upload-Checksum takes one of {', '.join(ALGORITHMS)}.")
    digest = make()
    try:
        promised = b64decode(encoded.strip(), validate=True)
    except ValueError as error:
        raise ProblemError("invalid_parameter", "The digest of Upload-Checksum must be base64.") from error
    if len(promised) != digest.digest_size:
        raise ProblemError("invalid_parameter", f"A {name} digest has {digest.digest_size} bytes.")
    return Checksum(digest, promised)
