"""Twin of the idempotency keys."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from storage.records import CLAIM_SECONDS, Answer, Claim

KEPT: Final = timedelta(hours=24)


@dataclass(slots=True)
class _Entry:
    fingerprint: str
    resource_id: UUID
    claimed_at: datetime
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class MemoryIdempotency:
    """Keeps one entry per user and key."""

    now: Callable[[], datetime]
    claim_seconds: float = CLAIM_SECONDS
    entries: dict[tuple[UUID, str], _Entry] = field(default_factory=dict)

    async def claim(self, user_id: UUID, key: str, fingerprint: str, resource_id: UUID) -> Claim:
        """Claim a key for a request."""
        entry = self.entries.get((user_id, key))
        if entry is None or self._age(entry) > KEPT:
            self.entries[user_id, key] = _Entry(fingerprint, resource_id, self.now())
            return Claim(kind="fresh", resource_id=resource_id)
        if entry.fingerprint != fingerprint:
            return Claim(kind="mismatch", resource_id=entry.resource_id)
        if entry.answer is not None:
            return Claim(kind="answered", resource_id=entry.resource_id, answer=entry.answer)
        if self._age(entry) < timedelta(seconds=self.claim_seconds):
            return Claim(kind="running", resource_id=entry.resource_id)
        entry.claimed_at = self.now()
        return Claim(kind="fresh", resource_id=entry.resource_id)

    def _age(self, entry: _Entry) -> timedelta:
        return self.now() - entry.claimed_at

    async def answer(self, user_id: UUID, key: str, answer: Answer) -> None:
        """Keep the first answer for the key."""
        entry = self.entries.get((user_id, key))
        if entry is not None and entry.answer is None:
            entry.answer, entry.claimed_at = answer, self.now()

    async def release(self, user_id: UUID, key: str) -> None:
        """Let go of a claim without an answer."""
        entry = self.entries.get((user_id, key))
        if entry is not None and entry.answer is None:
            del self.entries[user_id, key]
