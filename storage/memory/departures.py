"""Twin of the departures."""

from dataclasses import dataclass
from uuid import UUID

from storage.memory.state import State


@dataclass(frozen=True, slots=True)
class MemoryDepartures:
    """Forgets people of the shared state."""

    state: State

    async def videos_of_closed(self, user_id: UUID, limit: int) -> list[UUID]:
        """Return up to `limit` videos of a closed account."""
        if user_id not in self.state.closed_at:
            return []
        oldest_first = sorted(self.state.videos.values(), key=lambda video: (video.created_at, video.id))
        return [video.id for video in oldest_first if video.user_id == user_id][:limit]
