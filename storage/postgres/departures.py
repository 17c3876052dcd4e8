"""Accounts that are closed, in Postgres."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from storage.postgres.pool import Database
from storage.postgres.rows import envelope_values, plain_id
from storage.queries import Queries
from storage.records import LOCAL_USER_ID
from subjects.codec import Envelope

_AGEING: Final = ("purge_uploads", "purge_sessions", "purge_days")


@dataclass(frozen=True, slots=True)
class PostgresDepartures:
    """Forgets people."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "departures"))

    async def close(self, user_id: UUID, announce: Envelope) -> bool:
        """Forget everything personal in an account and promise the news."""
        async with self.database.transaction() as session:
            closed = await session.fetch_row(self.queries["close_account"], user_id, LOCAL_USER_ID)
            if closed is not None:
                query = self.queries["forget_account"]
                await session.fetch(query, user_id, *envelope_values(announce))
        return closed is not None

    async def videos_of_closed(self, user_id: UUID, limit: int) -> list[UUID]:
        """Return up to `limit` videos of a closed account."""
        rows = await self.database.fetch(self.queries["videos_of_closed"], user_id, limit)
        return [plain_id(row["id"]) for row in rows]

    async def terminate_uploads(self, user_id: UUID) -> int:
        """Close the uploads of a closed account that have no video."""
        return len(await self.database.fetch(self.queries["terminate_uploads"], user_id))

    async def purge(self, now: datetime, limit: int) -> int:
        """Delete what is kept of nobody any more; the accounts last, as the uploads refer to them."""
        gone = [len(await self.database.fetch(self.queries[query], now, limit)) for query in _AGEING]
        return sum(gone) + len(await self.database.fetch(self.queries["purge_accounts"], limit))
