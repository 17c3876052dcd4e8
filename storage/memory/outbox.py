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

    async def pending(self, limit: int, after_id: int = 0) -> list[OutboxLine]:
        """Return the oldest promises above an id."""
        return list(islice((line for line in self.state.outbox.values() if line.id > after_id), limit))

    async def cross_out(self, ids: Sequence[int]) -> None:
        """Forget what the bus has acknowledged."""
        for line_id in ids:
            self.state.outbox.pop(line_id, None)
