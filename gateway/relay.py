"""Says what was promised: outbox lines onto the bus, in order, crossed out once the bus has them.

Several relays at once are harmless: two may say the same line, and the message id makes it one message.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter

from storage.errors import StorageUnavailableError
from storage.ports import Outbox
from storage.records import OutboxLine
from subjects.bus import Bus, BusError, BusRefusedError
from subjects.codec import Envelope

logger = logging.getLogger(__name__)

BATCH_LINES: Final = 100
POLL_SECONDS: Final = 1.0
BACKOFF_SECONDS_MAX: Final = 15.0

RELAYED: Final = Counter("truthtok_relay_messages", "Outbox lines the bus has acknowledged")


def backoff_seconds(failures: int, poll_seconds: float) -> float:
    """Return how long to wait after so many failures in a row."""
    return min(poll_seconds * 2.0 ** min(failures, 16), max(BACKOFF_SECONDS_MAX, poll_seconds))


@dataclass(slots=True)
class Relay:
    """The background loop of one process. Other processes' lines are found by polling."""

    outbox: Outbox
    bus: Bus
    poll_seconds: float = POLL_SECONDS
    _kicked: asyncio.Event = field(default_factory=asyncio.Event)

    def kick(self) -> None:
        """Wake the relay now: a line was just committed."""
        self._kicked.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop`, then say once more what is there. Outages are waited out."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wake_at(stop))
            failures = 0
            while not stop.is_set():
                self._kicked.clear()
                failures = 0 if await self._try_sweep() else failures + 1
                if not stop.is_set():
                    await self._pause(backoff_seconds(failures, self.poll_seconds))
            await self._try_sweep()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.kick()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._kicked.wait()

    async def _try_sweep(self) -> bool:
        try:
            await self.sweep()
        except (StorageUnavailableError, BusError) as error:
            logger.warning("the relay waits: %s", error)
            return False
        return True

    async def sweep(self) -> int:
        """Say all that is promised now and return how many lines that was.

        Raises StorageUnavailableError, BusUnavailableError, and in the end BusRefusedError when the bus
        refused lines: those stay, and hold nobody else up.
        """
        count, after_id, refusals = 0, 0, list[BusRefusedError]()
        while lines := await self.outbox.pending(BATCH_LINES, after_id):
            count += await self._say_all(lines, refusals)
            after_id = lines[-1].id
        if refusals:
            raise refusals[0]
        return count

    async def _say_all(self, lines: Sequence[OutboxLine], refusals: list[BusRefusedError]) -> int:
        said: list[int] = []
        try:
            for line in lines:
                try:
                    await self.bus.publish(Envelope(line.subject, line.body, line.headers))
                except BusRefusedError as error:
                    refusals.append(error)
                else:
                    said.append(line.id)
        finally:
            if said:
                await self.outbox.cross_out(said)
                RELAYED.inc(len(said))
        return len(said)
