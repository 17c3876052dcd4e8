"""Keys of services in Postgres."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from storage.identity_records import ApiKey, NewApiKey, Standing
from storage.postgres.pool import Database
from storage.postgres.rows import Fields, plain_id
from storage.queries import Queries


@dataclass(frozen=True, slots=True)
class PostgresApiKeys:
    """One row per key, with the hash of its secret."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "api_keys"))

    async def create(self, key: NewApiKey, limit: int) -> bool:
        """Keep a new key unless the user has enough of them; a known id changes nothing."""
        async with self.database.transaction() as session:
            if await session.fetch_row(self.queries["lock_owner"], key.user_id) is None:
                return False
            row = await session.fetch_row(
                self.queries["create_key"],
                key.id,
                key.user_id,
                key.name,
                key.prefix,
                key.secret_hash,
                list(key.scopes),
                key.created_at,
                limit,
            )
        return bool(row and row["known"])

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[ApiKey]:
        """Return up to `limit` of a user's live keys, the oldest id first."""
        rows = await self.database.fetch(self.queries["page_keys"], user_id, after, limit)
        return [_key_of(row) for row in rows]

    async def revoke(self, key_id: UUID, user_id: UUID, now: datetime) -> bool:
        """End a key of this user."""
        return await self.database.fetch_row(self.queries["revoke_key"], key_id, user_id, now) is not None

    async def find_standing(self, secret_hash: bytes) -> Standing | None:
        """Return what a key gives its holder now."""
        row = await self.database.fetch_row(self.queries["find_key_standing"], secret_hash)
        if row is None:
            return None
        return Standing(
            user_id=plain_id(row["user_id"]),
            role=row["role"],
            key_id=plain_id(row["id"]),
            scopes=tuple(row["scopes"]),
        )

    async def touch(self, key_id: UUID, now: datetime) -> None:
        """Keep when a key was last used; the latest time stands."""
        await self.database.fetch(self.queries["touch_key"], key_id, now)


def _key_of(row: Fields) -> ApiKey:
    return ApiKey(
        id=plain_id(row["id"]),
        user_id=plain_id(row["user_id"]),
        name=row["name"],
        prefix=row["prefix"],
        scopes=tuple(row["scopes"]),
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
