"""The values of identity that cross the storage ports: immutable, without behaviour."""

from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from storage.records import Record

Role = Literal["viewer", "creator", "moderator", "admin"]
ROLES: Final[tuple[Role, ...]] = ("viewer", "creator", "moderator", "admin")

NOBODY_ID: Final = UUID(int=0)
"""Stands for the user of a request that names none. No account has it."""


class NewAccount(Record, frozen=True, kw_only=True):
    """An account about to exist. The id is a UUIDv7."""

    id: UUID
    email: str
    """As given; the lookup folds it (`storage.sealing.folded_email`)."""
    name: str
    password_hash: str
    """In the PHC string format (`$argon2id$…`); made and checked by the gateway."""
    role: Role = "creator"
    created_at: datetime


class Account(Record, frozen=True, kw_only=True):
    """An account as it stands. E-mail and name of the local account are empty."""

    id: UUID
    email: str
    name: str
    role: Role
    created_at: datetime
    updated_at: datetime


class Credentials(Record, frozen=True, kw_only=True):
    """What a sign-in is checked against."""

    account: Account
    password_hash: str


class AccountChanges(Record, frozen=True, kw_only=True):
    """What the owner of an account may change. UNSET leaves as it is."""

    email: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    password_hash: str | msgspec.UnsetType = msgspec.UNSET


class NewSession(Record, frozen=True, kw_only=True):
    """A sign-in: the id is a UUIDv7 and names the family of its refresh tokens."""

    id: UUID
    user_id: UUID
    token_hash: bytes
    """SHA-256 of the first refresh token, 32 bytes."""
    created_at: datetime
    expires_at: datetime


class Session(Record, frozen=True, kw_only=True):
    """A sign-in as its owner sees it."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class Rotation(Record, frozen=True, kw_only=True):
    """What became of a refresh token that was presented."""

    kind: Literal["rotated", "reused", "unknown"]
    """`reused`: used before, so its session is revoked now. `unknown`: none such, or its session is over."""
    user_id: UUID | None = None
    session_id: UUID | None = None


class NewApiKey(Record, frozen=True, kw_only=True):
    """A key about to exist. The id is a UUIDv7."""

    id: UUID
    user_id: UUID
    name: str
    prefix: str
    """The beginning of the secret, by which people tell keys apart."""
    secret_hash: bytes
    """SHA-256 of the whole secret, 32 bytes."""
    scopes: tuple[str, ...]
    created_at: datetime


class ApiKey(Record, frozen=True, kw_only=True):
    """A key as its owner sees it."""

    id: UUID
    user_id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class Standing(Record, frozen=True, kw_only=True):
    """What a token or key that is in order gives its holder, now."""

    user_id: UUID
    role: Role
    session_id: UUID | None = None
    key_id: UUID | None = None
    scopes: tuple[str, ...] | None = None
    """What an API key is narrowed to; None for a session, which may do all that its role may."""


class AuditEntry(Record, frozen=True, kw_only=True):
    """One line of the audit trail. The id is a UUIDv7."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    """Who did it; None for nobody known."""
    action: str
    """`noun.verb` in the past tense, such as `session.opened`; the list is in `gateway/audit.py`."""
    target: str | None = None
    """What it was done to: `user:<id>`, `video:<id>`, `key:<id>`, `dead-letter:<n>`."""
    address: str | None = None
    request_id: str | None = None
    details: dict[str, Any] = msgspec.field(default_factory=dict)
    """Never a secret, an e-mail or a name."""


class UploadDay(Record, frozen=True, kw_only=True):
    """What one account announced to upload on one day (UTC). Kept for a week or so."""

    day: date
    uploads: int
    size_bytes: int


class UploadQuota(Record, frozen=True, kw_only=True):
    """How much one account may announce to upload on one day (UTC)."""

    uploads: int
    size_bytes: int
    deferred_bytes: int = 0
    """What an upload without a length counts for until it is declared."""
