"""Rows of identity as the twins keep them: the public record, and what nobody is shown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from storage.identity_records import Account, ApiKey, Session
from storage.records import LOCAL_USER_ID

SEEDED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Person:
    """An account and the hash of its password."""

    account: Account
    password_hash: str | None = None

    def has_password(self, verified_hash: str | None) -> bool:
        """Whether what was verified is still what is kept; None was not looked at."""
        return verified_hash is None or verified_hash == self.password_hash


def local_person() -> Person:
    """Return the account that the migrations seed."""
    account = Account(
        id=LOCAL_USER_ID, email="", name="", role="creator", created_at=SEEDED_AT, updated_at=SEEDED_AT
    )
    return Person(account=account)


@dataclass(slots=True, kw_only=True)
class Family:
    """A session and whose it is."""

    session: Session
    user_id: UUID


@dataclass(slots=True, kw_only=True)
class RefreshToken:
    """One token of a session's family."""

    session_id: UUID
    used_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class ServiceKey:
    """An API key and the hash of its secret."""

    key: ApiKey
    secret_hash: bytes
