"""Sessions and their refresh tokens in Postgres."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from storage.identity_records import NewSession, Rotation, Session, Standing
from storage.postgres.pool import Database
from storage.postgres.rows import plain_id
from storage.queries import Queries

_UNKNOWN: Final = Rotation(kind="unknown")


@dataclass(frozen=True, slots=True)
class PostgresSessions:
    """One row per sign-in, and one per refresh token of its family."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "sessions"))

    async def open(self, session: NewSession, *, verified_hash: str | None = None) -> bool:
        """Keep a new session of an account whose password is still the one that was verified."""
        row = await self.database.fetch_row(
            self.queries["open_session"],
            session.id,
            session.user_id,
            session.token_hash,
            session.created_at,
            session.expires_at,
            verified_hash,
        )
        return bool(row and row["verified"])

    async def rotate(
        self, token_hash: bytes, successor_hash: bytes, now: datetime, expires_at: datetime
    ) -> Rotation:
        """Use a refresh token once, or end the session that it was stolen from."""
        async with self.database.transaction() as session:
            family = await session.fetch_row(self.queries["lock_family"], token_hash, now)
            if family is None:
                return _UNKNOWN
            row = await session.fetch_row(
                self.queries["rotate_token"], token_hash, successor_hash, family["id"], now, expires_at
            )
        return Rotation(
            kind="rotated" if row and row["rotated"] else "reused",
            user_id=plain_id(family["user_id"]),
            session_id=plain_id(family["id"]),
        )

    async def revoke(self, token_hash: bytes, now: datetime) -> Rotation:
        """End the session of a refresh token."""
        row = await self.database.fetch_row(self.queries["revoke_session"], token_hash, now)
        if row is None:
            return _UNKNOWN
        return Rotation(kind="rotated", user_id=plain_id(row["user_id"]), session_id=plain_id(row["id"]))

    async def revoke_all(self, user_id: UUID, now: datetime) -> int:
        """End all sessions of a user."""
        row = await self.database.fetch_row(self.queries["revoke_sessions"], user_id, now)
        return int(row["ended"]) if row else 0

    async def page(
        self, user_id: UUID, limit: int, *, before: UUID | None = None, live_at: datetime | None = None
    ) -> list[Session]:
        """Return up to `limit` of a user's sessions, the newest first."""
        rows = await self.database.fetch(self.queries["page_sessions"], user_id, limit, before, live_at)
        return [
            Session(
                id=plain_id(row["id"]),
                created_at=row["created_at"],
                expires_at=row["expires_at"],
                revoked_at=row["revoked_at"],
            )
            for row in rows
        ]

    async def find_standing(self, session_id: UUID, now: datetime) -> Standing | None:
        """Return what a session gives its holder now."""
        row = await self.database.fetch_row(self.queries["find_session_standing"], session_id, now)
        if row is None:
            return None
        return Standing(user_id=plain_id(row["user_id"]), role=row["role"], session_id=plain_id(row["id"]))
