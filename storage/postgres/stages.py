"""Where each stage of each video stands, in Postgres."""

from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from storage.journey import STAGE_NAMES
from storage.postgres.pool import Database
from storage.queries import Queries
from storage.records import StageState


@dataclass(frozen=True, slots=True)
class PostgresStages:
    """One row per stage that was ever heard of."""

    database: Database
    queries: Queries = field(default_factory=partial(Queries.read, "stages"))

    async def settle(
        self, video_id: UUID, stage: str, state: StageState, attempt: int, error: str | None
    ) -> bool:
        """Keep the outcome of a stage, unless there is nothing to keep it for."""
        query, in_journey = self.queries["settle_stage"], stage in STAGE_NAMES
        kept = await self.database.fetch(query, video_id, stage, state, attempt, error, in_journey)
        return bool(kept)
