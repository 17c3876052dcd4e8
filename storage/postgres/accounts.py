"""Accounts in Postgres, sealed. The database sees neither an e-mail nor a name, nor a key that opens them."""

from dataclasses import dataclass, field
from datetime import date
from functools import partial
from uuid import UUID

import asyncpg
import msgspec

from storage.errors import EmailTakenError, PasswordChangedError, SealBrokenError
from storage.identity_records import Account, AccountChanges, Credentials, NewAccount, Role, UploadDay
from storage.postgres.account_seals import AccountSeals, lock_numbers
from storage.postgres.pool import Database, Row, Session
from storage.queries import Queries


@dataclass(frozen=True, slots=True)
class PostgresAccounts:
    """One row per person."""

    database: Database
    seals: AccountSeals
    queries: Queries = field(default_factory=partial(Queries.read, "accounts"))

    async def create(self, account: NewAccount) -> bool:
        """Keep a new account unless another one has the e-mail; a known id changes nothing."""
        hashes = self.seals.hashes_of(account.email)
        wrapped, email, name = self.seals.sealed(account)
        async with self.database.transaction() as session:
            await self._take(session, hashes)
            row = await session.fetch_row(
                self.queries["create_account"],
                account.id,
                wrapped,
                hashes,
                email,
                name,
                account.password_hash,
                account.role,
                account.created_at,
            )
        return bool(row and row["known"])

    async def find(self, user_id: UUID) -> Account | None:
        """Return an account that is not closed."""
        row = await self.database.fetch_row(self.queries["find_account"], user_id)
        return self.seals.account_of(row) if row else None

    async def find_credentials(self, email: str) -> Credentials | None:
        """Return what a sign-in with this e-mail is checked against."""
        hashes = self.seals.hashes_of(email)
        row = await self.database.fetch_row(self.queries["find_credentials"], hashes)
        if row is None:
            return None
        return Credentials(account=self.seals.account_of(row), password_hash=row["password_hash"])

    async def find_password(self, user_id: UUID) -> str | None:
        """Return the hash of an account's password."""
        row = await self.database.fetch_row(self.queries["find_password"], user_id)
        return row["password_hash"] if row else None

    async def replace_password(self, user_id: UUID, old_hash: str, new_hash: str) -> bool:
        """Keep a new hash of the same password, unless it was changed in between."""
        query = self.queries["replace_password"]
        return await self.database.fetch_row(query, user_id, old_hash, new_hash) is not None

    async def edit(
        self,
        user_id: UUID,
        changes: AccountChanges,
        session_id: UUID | None = None,
        *,
        verified_hash: str | None = None,
    ) -> Account | None:
        """Apply the owner's changes, behind a lock on the e-mail and then on the row."""
        hashes = [] if changes.email is msgspec.UNSET else self.seals.hashes_of(changes.email)
        async with self.database.transaction() as session:
            await self._take(session, hashes)
            row = await session.fetch_row(self.queries["lock_account"], user_id)
            if row is None:
                return None
            if verified_hash not in (None, row["password_hash"]):
                raise PasswordChangedError
            if hashes and await self._is_taken(session, hashes, user_id):
                raise EmailTakenError("another account has this e-mail")
            sealed = self.seals.resealed(row, changes)
            password_hash = None if changes.password_hash is msgspec.UNSET else changes.password_hash
            row = await session.fetch_row(self.queries["edit_account"], user_id, *sealed, password_hash)
            if password_hash is not None:
                await session.fetch(self.queries["end_sessions"], user_id, session_id)
        return self.seals.account_of(row) if row else None

    async def set_role(self, user_id: UUID, role: Role) -> Account | None:
        """Give an account a role."""
        row = await self.database.fetch_row(self.queries["set_role"], user_id, role)
        return self.seals.account_of(row) if row else None

    async def page(self, after: UUID | None, limit: int) -> list[Account]:
        """Return up to `limit` accounts, the oldest id first."""
        rows = await self.database.fetch(self.queries["page_accounts"], after, limit)
        return [self.seals.account_of(row) for row in rows]

    async def upload_days(self, user_id: UUID, after: date | None, limit: int) -> list[UploadDay]:
        """Return up to `limit` days on which a user announced uploads, the oldest first."""
        rows = await self.database.fetch(self.queries["page_upload_days"], user_id, after, limit)
        return [
            UploadDay(day=row["day"], uploads=row["uploads"], size_bytes=row["size_bytes"]) for row in rows
        ]

    async def rewrap(self, limit: int) -> int:
        """Bring accounts under the newest key.

        One that cannot be moved holds up no other: its error is raised once nothing else of a batch moves.
        """
        newest = self.seals.vault.newest_name
        rows = await self.database.fetch(self.queries["accounts_under_older_keys"], newest, limit)
        broken: list[Exception] = []
        for row in rows:
            try:
                await self._rewrap(row)
            except (SealBrokenError, EmailTakenError) as error:
                broken.append(error)
        if broken and len(broken) == len(rows):
            raise broken[0]
        return len(rows) - len(broken)

    async def _rewrap(self, row: Row) -> None:
        try:
            values = self.seals.rewrapped(row)
        except SealBrokenError as error:
            raise SealBrokenError(f"account {row['id']}: {error}") from error
        as_read = (row["id"], row["data_key"], row["email_hash"])
        try:
            await self.database.fetch(self.queries["rewrap_account"], *as_read, *values)
        except asyncpg.UniqueViolationError as error:
            raise EmailTakenError(f"account {row['id']} has the e-mail of another account") from error

    async def _take(self, session: Session, hashes: list[bytes]) -> None:
        if hashes:
            await session.fetch(self.queries["take_emails"], lock_numbers(hashes))

    async def _is_taken(self, session: Session, hashes: list[bytes], user_id: UUID) -> bool:
        row = await session.fetch_row(self.queries["is_taken"], hashes, user_id)
        return bool(row and row["taken"])
