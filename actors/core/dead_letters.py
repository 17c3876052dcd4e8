"""Where messages go that were given up on, and the mover that finds those nobody could answer for.

A message whose handler failed for good is buried by its runner, which knows the reason. One that kills its
process every time is never answered; the server counts its deliveries and says so in an advisory, which
the undertaker turns into the same dead letter.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from actors.core.patience import persevere
from actors.core.verdict import OUT_OF_ATTEMPTS
from storage.ports import Stages
from subjects.bus import Bus, Delivery, Stored
from subjects.codec import MESSAGE_ID, TRACE, derived_id, seal
from subjects.dead_letters import REASON, address_of, dead_letter
from subjects.stage import stage_of
from subjects.streams import Durable
from subjects.video import VideoFailed
from subjects.work import HOUSE

FAILED_POSITION: Final = -2
INTERNAL: Final = "It went wrong each time it was tried. Why is in the dead letter; a retry may mend it."
"""What clients are told of an exception: its text is for operators, and may name what is none of theirs."""

ADVISORY_DURABLE: Final = Durable(
    "ADVISORIES", "undertaker", ("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",), 10.0, -1
)


@dataclass(frozen=True, slots=True)
class Graveyard:
    """Buries messages: dead letter, then the stage's failure, then the news of it."""

    bus: Bus
    stages: Stages

    async def bury(self, actor: str, stored: Stored, attempts: int, code: str, reason: str) -> None:
        """Keep the dead letter and tell whoever waits. Idempotent. Raises BusError or StorageError."""
        letter = dead_letter(actor, stored, attempts, code, reason)
        await self.bus.publish(letter)
        address, stage = address_of(stored.subject), stage_of(actor)
        detail = INTERNAL if code == OUT_OF_ATTEMPTS else letter.headers[REASON]
        if address.video_id == HOUSE:
            return
        error = f"{code}: {detail}"
        if not await self.stages.settle(address.video_id, stage, "failed", attempts, error):
            return  # gone, or done after all: nobody is to be told of a failure
        failed = VideoFailed(video_id=address.video_id, stage=stage, code=code, detail=detail)
        message_id = derived_id(letter.headers[MESSAGE_ID], actor, FAILED_POSITION)
        await self.bus.publish(
            seal(
                failed,
                message_id=message_id,
                priority=address.priority,
                trace=stored.headers.get(TRACE, ""),
            )
        )


class Advisory(msgspec.Struct, frozen=True):
    """What nats-server says when a message has used up its deliveries (its JSON, the fields we need)."""

    stream: str
    consumer: str
    stream_seq: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class Undertaker:
    """Turns advisories into dead letters. `carry` is what an intake over ADVISORY_DURABLE runs."""

    bus: Bus
    graveyard: Graveyard

    async def carry(self, delivery: Delivery) -> bool:
        """Bury the message an advisory tells of, then acknowledge the advisory."""
        advisory = msgspec.json.decode(delivery.stored.body, type=Advisory)
        await persevere(lambda: self._bury(advisory), delivery.extend)
        await delivery.ack()
        return True

    async def _bury(self, advisory: Advisory) -> None:
        actor = advisory.consumer.rpartition("-")[0] or advisory.consumer
        stored = await self.bus.find(advisory.stream, advisory.stream_seq)
        if stored is None:  # answered after all, or buried by another undertaker
            return
        reason = f"delivered {advisory.deliveries} times without an answer: its process died or hung"
        await self.graveyard.bury(actor, stored, advisory.deliveries, "poison", reason)
        if advisory.stream == "WORK":
            await self.bus.remove(advisory.stream, advisory.stream_seq)
