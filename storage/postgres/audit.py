"""The audit trail in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from storage.identity_records import AuditEntry
from storage.postgres.pool import Database
from storage.postgres.rows import Fields, plain_id
from storage.queries import Queries


@dataclass(frozen=True, slots=True)
class PostgresAudit:
    """Lines that are written once and never changed; a trigger sees to it."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "audit"))

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries; a known id changes nothing."""
        if entries:
            await self.database.fetch(self.queries["record_entries"], list(entries))

    async def page(
        self, *, actor_id: UUID | None, target: str | None, before: UUID | None, limit: int
    ) -> list[AuditEntry]:
        """Return up to `limit` entries, the newest first."""
        rows = await self.database.fetch(self.queries["page_entries"], actor_id, target, before, limit)
        return [_entry_of(row) for row in rows]


def _entry_of(row: Fields) -> AuditEntry:
    return AuditEntry(
        id=plain_id(row["id"]),
        at=row["at"],
        actor_id=plain_id(row["actor_id"]) if row["actor_id"] else None,
        action=row["action"],
        target=row["target"],
        address=row["address"],
        request_id=row["request_id"],
        details=row["details"],
    )
