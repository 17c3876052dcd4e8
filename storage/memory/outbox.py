"""Twin of the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from storage.memory.state import State
from storage.records import OutboxLine


@dataclass(frozen=True, slots=True)
class MemoryOutbox:
    """Keeps the promises of the shared state in the order they were made."""

    state: State

    async def pending(self, limit: int) -> list[OutboxLine]:
        """Return the oldest promises."""
        return list(islice(self.state.outbox.values(), limit))

    async def cross_out(self, ids: Sequence[int]) -> None:
        """Forget what the bus has acknowledged."""
        for line_id in ids:
            self.state.outbox.pop(line_id, None)
