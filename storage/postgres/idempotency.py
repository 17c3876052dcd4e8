"""Idempotency keys in Postgres."""

from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from storage.postgres.pool import Database, Row
from storage.postgres.rows import answer_of, plain_id
from storage.queries import Queries
from storage.records import CLAIM_SECONDS, Answer, Claim


@dataclass(frozen=True, slots=True)
class PostgresIdempotency:
    """One row per user and key."""

    database: Database
    claim_seconds: float = CLAIM_SECONDS
    queries: Queries = field(default_factory=partial(Queries.read, "idempotency"))

    async def claim(self, user_id: UUID, key: str, fingerprint: str, resource_id: UUID) -> Claim:
        """Claim a key for a request."""
        while True:
            fresh = await self.database.fetch_row(
                self.queries["claim_key"], user_id, key, fingerprint, resource_id, self.claim_seconds
            )
            if fresh is not None:
                return Claim(kind="fresh", resource_id=plain_id(fresh["resource_id"]))
            kept = await self.database.fetch_row(self.queries["find_key"], user_id, key)
            if kept is not None:  # None: released in between, so it may be free now
                return _claim_of(kept, fingerprint)

    async def answer(self, user_id: UUID, key: str, answer: Answer) -> None:
        """Keep the first answer for the key."""
        query = self.queries["answer_key"]
        await self.database.fetch(query, user_id, key, answer.status, answer.headers, answer.body)

    async def release(self, user_id: UUID, key: str) -> None:
        """Let go of a claim without an answer."""
        await self.database.fetch(self.queries["release_key"], user_id, key)


def _claim_of(kept: Row, fingerprint: str) -> Claim:
    resource_id = plain_id(kept["resource_id"])
    if kept["fingerprint"] != fingerprint:
        return Claim(kind="mismatch", resource_id=resource_id)
    answer = answer_of(kept)
    return Claim(kind="answered" if answer else "running", resource_id=resource_id, answer=answer)
