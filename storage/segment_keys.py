"""The keys that segments are encrypted with. None is kept: each is derived from a master key when needed.

    keys.newest_name                            # what a video that is planned now is encrypted under, or None
    keys.key(name, video_id, "720p-h264")       # 16 bytes, for AES-128

Whoever remembers the name of the master key has the key again, for as long as that master key is configured.
"""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from storage.errors import VaultMissingError
from storage.sealing import Vault


@dataclass(frozen=True, slots=True)
class SegmentKeys:
    """Derives the key of each rendition of each video."""

    vault: Vault | None = field(default=None, repr=False)
    """What has been encrypted needs it whatever `is_on` says. Without it `key` raises."""
    is_on: bool = False
    """Whether what is planned from now on is to be encrypted. Needs a vault."""

    def __post_init__(self) -> None:
        """Raise ValueError when something is to be encrypted without a key."""
        if self.is_on and self.vault is None:
            raise ValueError("segments cannot be encrypted without a vault")

    @property
    def newest_name(self) -> str | None:
        """The name, in hex, under which new videos are encrypted; None when they are not."""
        return self.vault.newest_name.hex() if self.is_on and self.vault is not None else None

    def key(self, name: str, video_id: UUID, rendition: str) -> bytes:
        """Return the key of a rendition. Raises MasterKeyUnknownError and VaultMissingError."""
        if self.vault is None:
            raise VaultMissingError("segments are encrypted")
        # An id has always 16 bytes: no two pairs make the same context.
        return self.vault.content_key(name, video_id.bytes + rendition.encode())


NO_KEYS: Final = SegmentKeys()
"""Nothing is encrypted, and what has been has no key here."""
