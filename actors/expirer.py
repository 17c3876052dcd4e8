"""work.expirer -> expirer -> (upload.expired, by way of the outbox)

Closes uploads whose clients went away, sweeps their bytes out of staging, and deletes the rows that nobody
needs any more: those of old uploads, and of people who left.
Idempotent: an upload is closed once, and swept until it is said to be empty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from storage.identity_ports import Departures
from storage.keys import staging_prefix
from storage.ports import Objects, Uploads
from subjects import work
from subjects.message import Message
from subjects.work import SweepDue

SWEEP_LIMIT: Final = 100
"""Uploads closed, and rows of each kind deleted, in one transaction."""


@dataclass(frozen=True, slots=True)
class Expirer(Actor[SweepDue, Message]):
    """Sweeps abandoned uploads."""

    name: ClassVar = "expirer"
    consumes: ClassVar = (work.SWEEP,)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=1)

    objects: Objects
    uploads: Uploads
    departures: Departures
    now: Callable[[], datetime]

    async def handle(self, event: SweepDue, ctx: Context) -> tuple[Message, ...]:
        """Close and sweep until nothing is left that is due."""
        while abandoned := await self.uploads.expire(self.now(), SWEEP_LIMIT):
            for upload in abandoned:
                await ctx.during(self.objects.remove_prefix(staging_prefix(upload.id)))
            await self.uploads.swept([upload.id for upload in abandoned])
        while await ctx.during(self.departures.purge(self.now(), SWEEP_LIMIT)):
            continue
        return ()
