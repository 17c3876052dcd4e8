"""Accounts that are closed, in Postgres."""

from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from storage.postgres.pool import Database
from storage.postgres.rows import plain_id
from storage.queries import Queries


@dataclass(frozen=True, slots=True)
class PostgresDepartures:
    """Forgets people."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "departures"))

    async def videos_of_closed(self, user_id: UUID, limit: int) -> list[UUID]:
        """Return up to `limit` videos of a closed account."""
        rows = await self.database.fetch(self.queries["videos_of_closed"], user_id, limit)
        return [plain_id(row["id"]) for row in rows]
