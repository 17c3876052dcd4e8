"""What is sealed in a row of `users`, and how: pure, without a database.

data_key      wrapped by a master key, for this account only
email_hash    keyed, to find the account by
email_sealed  under the data key, for this account's e-mail only
name_sealed   the same for its name
"""

import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from storage.errors import VaultMissingError
from storage.identity_records import Account, AccountChanges, NewAccount
from storage.postgres.rows import Fields, plain_id
from storage.sealing import Vault, seal, unseal
from storage.words import storable

_EMAIL: Final = b"email"
_NAME: Final = b"name"


@dataclass(frozen=True, slots=True)
class AccountSeals:
    """Seals and opens under a vault. What needs one that is not there raises VaultMissingError."""

    maybe_vault: Vault | None

    @property
    def vault(self) -> Vault:
        """The vault, whose presence is checked where it is needed."""
        if self.maybe_vault is None:
            raise VaultMissingError
        return self.maybe_vault

    def hashes_of(self, email: str) -> list[bytes]:
        """Return all hashes under which an e-mail may be kept, the newest first."""
        return list(self.vault.lookup_hashes(email))

    def sealed(self, account: NewAccount) -> tuple[bytes, bytes, bytes]:
        """Return the wrapped data key, the sealed e-mail and the sealed name of a new account."""
        data_key, wrapped = self.vault.new_data_key(_whose(account.id))
        return (
            wrapped,
            _seal_text(data_key, account.email, account.id, _EMAIL),
            _seal_text(data_key, account.name, account.id, _NAME),
        )

    def resealed(
        self, row: Fields, changes: AccountChanges
    ) -> tuple[bytes | None, bytes | None, bytes | None, bytes | None]:
        """Return data key, e-mail's hash, e-mail and name for a row; None for what stays as it is.

        Whatever is sealed anew comes under the newest master key, and so does the hash beside it.
        """
        if changes.email is msgspec.UNSET and changes.name is msgspec.UNSET:
            return None, None, None, None
        user_id = plain_id(row["id"])
        data_key, wrapped = self._renewed(row)
        email = self._email_of(row, data_key) if changes.email is msgspec.UNSET else changes.email
        return (
            wrapped,
            self.hashes_of(email)[0] if email else None,
            None if changes.email is msgspec.UNSET else _seal_text(data_key, email, user_id, _EMAIL),
            None if changes.name is msgspec.UNSET else _seal_text(data_key, changes.name, user_id, _NAME),
        )

    def rewrapped(self, row: Fields) -> tuple[bytes, bytes | None]:
        """Return a row's data key and its e-mail's hash under the newest master key."""
        data_key, wrapped = self._renewed(row)
        email = self._email_of(row, data_key)
        return wrapped, self.hashes_of(email)[0] if email else None

    def account_of(self, row: Fields) -> Account:
        """Return an account from its row. Raises SealBrokenError; what was never sealed is empty."""
        data_key = self._data_key_of(row) if row["data_key"] else b""
        user_id = plain_id(row["id"])
        return Account(
            id=user_id,
            email=self._email_of(row, data_key),
            name=_open_text(data_key, row["name_sealed"], user_id, _NAME),
            role=row["role"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )

    def _renewed(self, row: Fields) -> tuple[bytes, bytes]:
        context = _whose(row["id"])
        if not row["data_key"]:
            return self.vault.new_data_key(context)
        data_key = self._data_key_of(row)
        return data_key, self.vault.wrap(data_key, context)

    def _data_key_of(self, row: Fields) -> bytes:
        return self.vault.unwrap(row["data_key"], _whose(row["id"]))

    def _email_of(self, row: Fields, data_key: bytes) -> str:
        return _open_text(data_key, row["email_sealed"], row["id"], _EMAIL)


def lock_numbers(hashes: list[bytes]) -> list[int]:
    """Return the advisory locks of an e-mail's hashes, sorted: 8 bytes of each, as a signed bigint."""
    return sorted(struct.unpack(">q", kept[:8])[0] for kept in hashes)


def _whose(user_id: UUID) -> bytes:
    return f"user:{user_id}".encode()


def _seal_text(data_key: bytes, text: str, user_id: UUID, column: bytes) -> bytes:
    return seal(data_key, storable(text).encode(), _whose(user_id) + b":" + column)


def _open_text(data_key: bytes, sealed: bytes | None, user_id: UUID, column: bytes) -> str:
    return unseal(data_key, sealed, _whose(user_id) + b":" + column).decode() if sealed else ""
