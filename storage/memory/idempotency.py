"""Twin of the idempotency keys."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from storage.memory.state import KeyUse, State
from storage.records import CLAIM_SECONDS, Answer, Claim

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class MemoryIdempotency:
    """Keeps one entry per user and key in the shared state."""

    state: State
    claim_seconds: float = CLAIM_SECONDS

    async def claim(self, user_id: UUID, key: str, fingerprint: str, resource_id: UUID) -> Claim:
        """Claim a key for a request."""
        entry = self.state.key_uses.get((user_id, key))
        if entry is None or self._age(entry) > KEPT:
            self.state.key_uses[user_id, key] = KeyUse(fingerprint, resource_id, self.state.now())
            return Claim(kind="fresh", resource_id=resource_id)
        if entry.fingerprint != fingerprint:
            return Claim(kind="mismatch", resource_id=entry.resource_id)
        if entry.answer is not None:
            return Claim(kind="answered", resource_id=entry.resource_id, answer=entry.answer)
        if self._age(entry) < timedelta(seconds=self.claim_seconds):
            return Claim(kind="running", resource_id=entry.resource_id)
        entry.claimed_at = self.state.now()
        return Claim(kind="fresh", resource_id=entry.resource_id)

    def _age(self, entry: KeyUse) -> timedelta:
        return self.state.now() - entry.claimed_at

    async def answer(self, user_id: UUID, key: str, answer: Answer) -> None:
        """Keep the first answer for the key."""
        entry = self.state.key_uses.get((user_id, key))
        if entry is not None and entry.answer is None:
            entry.answer, entry.claimed_at = answer, self.state.now()

    async def release(self, user_id: UUID, key: str) -> None:
        """Let go of a claim without an answer."""
        entry = self.state.key_uses.get((user_id, key))
        if entry is not None and entry.answer is None:
            del self.state.key_uses[user_id, key]
