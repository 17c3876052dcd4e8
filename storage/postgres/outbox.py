"""Messages promised in a transaction, in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from storage.postgres.pool import Database
from storage.postgres.rows import outbox_line_of
from storage.queries import Queries
from storage.records import OutboxLine


@dataclass(frozen=True, slots=True)
class PostgresOutbox:
    """Rows that the repositories write beside what they change."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "outbox"))

    async def pending(self, limit: int, after_id: int = 0) -> list[OutboxLine]:
        """Return the oldest promises above an id."""
        rows = await self.database.fetch(self.queries["pending_lines"], after_id, limit)
        return [outbox_line_of(row) for row in rows]

    async def cross_out(self, ids: Sequence[int]) -> None:
        """Forget what the bus has acknowledged."""
        await self.database.fetch(self.queries["cross_out"], list(ids))
