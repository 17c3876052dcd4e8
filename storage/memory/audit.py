"""Twin of the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from storage.identity_records import AuditEntry
from storage.memory.state import State
from storage.words import storable


@dataclass(frozen=True, slots=True)
class MemoryAudit:
    """Keeps the entries of the shared state."""

    state: State

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries; a known id changes nothing."""
        for entry in entries:
            self.state.audit.setdefault(entry.id, _kept(entry))

    async def page(
        self, *, actor_id: UUID | None, target: str | None, before: UUID | None, limit: int
    ) -> list[AuditEntry]:
        """Return up to `limit` entries, the newest first."""
        newest_first = sorted(self.state.audit.values(), key=lambda entry: entry.id, reverse=True)
        asked = (
            entry
            for entry in newest_first
            if (actor_id is None or entry.actor_id == actor_id)
            and (target is None or entry.target == target)
            and (before is None or entry.id < before)
        )
        return list(asked)[:limit]


def _kept(entry: AuditEntry) -> AuditEntry:
    """Return the entry as a database would give it back: plain JSON, texts without what it cannot hold."""
    texts = {name: storable(said) for name, said in asdict(entry).items() if isinstance(said, str)}
    details = msgspec.json.decode(msgspec.json.encode(entry.details))
    return replace(entry, details=details, **texts)
