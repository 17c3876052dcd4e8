"""Carries one message from delivery to ack: decode, handle, settle the stage, publish, acknowledge.

The order is the promise. Rows are written before anybody hears of them, outputs are kept by the bus before
the input is acknowledged, a dead letter is written before its message is terminated. A crash between any
two steps means redelivery and, as every step is idempotent, the same outcome.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors.core.actor import AnyActor, Facts
from actors.core.context import Context
from actors.core.dead_letters import Graveyard
from actors.core.errors import HungError
from actors.core.joins import Join
from actors.core.journal import AT_WORK, Line, record
from actors.core.patience import persevere
from actors.core.verdict import Bury, Done, Later, Verdict, judge
from storage.ports import Stages
from storage.records import StageState
from subjects.bus import Bus, BusError, Delivery
from subjects.codec import MESSAGE_ID, SUBJECT, TRACE, derived_id, open_message, seal
from subjects.dead_letters import address_of
from subjects.message import Message
from subjects.stage import JOURNEY, StageProgressed, StageSkipped, stage_of
from subjects.trace import continue_trace, trace_id

REPORT_TIMEOUT_SECONDS: Final = 1.0
SILENCE_SHARE: Final = 0.8
"""Of the ack wait: how long a handler may give no sign of life."""


def stage_outcome(actor: str, outputs: Sequence[Message]) -> tuple[StageState, str | None] | None:
    """Return what outputs say of the stage the actor works for, and why; None when they say nothing of it."""
    name = stage_of(actor)
    done = {stage.done.message for stage in JOURNEY if stage.name == name}
    for output in outputs:
        if type(output) in done:
            return "done", None
        if isinstance(output, StageSkipped) and output.stage == name:
            return "skipped", f"{output.reason}: {output.detail}"
    return None


@dataclass(frozen=True, slots=True)
class Runner:
    """The life of every message of one actor in one process."""

    actor: AnyActor
    bus: Bus
    stages: Stages
    graveyard: Graveyard

    async def carry(self, delivery: Delivery) -> bool:
        """Bring one message to an answer; True when that is its end. Raises only when none could be given."""
        started = time.perf_counter()
        with AT_WORK.labels(self.actor.name).track_inprogress():
            verdict = await self._attempt(delivery)
            await self._answer(delivery, verdict)
        self._record(delivery, verdict, time.perf_counter() - started)
        return not isinstance(verdict, Later)

    async def _attempt(self, delivery: Delivery) -> Verdict:
        """Handle the message under a watchdog and say what it came to. Every handler error ends here."""
        try:
            return await self._perform(delivery)
        except Exception as error:  # noqa: BLE001 - the one place that must answer for whatever a handler does
            return judge(error, delivery.attempt, self.actor.delivery, random.random())  # noqa: S311 - jitter

    async def _perform(self, delivery: Delivery) -> Verdict:
        event = await persevere(lambda: self._open(delivery), delivery.extend)
        if isinstance(event, Done):
            return event
        # Below the ack wait, so that a hung handler is stopped before the broker gives its message away.
        silence = SILENCE_SHARE * self.actor.delivery.ack_wait
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(silence) as watchdog:

            async def extend() -> None:
                watchdog.reschedule(loop.time() + silence)
                await delivery.extend()

            ctx = self._context(delivery, extend)
            try:
                outputs = tuple(await persevere(lambda: self.actor.handle(event, ctx), extend))
            except asyncio.CancelledError:
                if watchdog.expired():
                    raise HungError(silence) from None
                raise
        await persevere(lambda: self._say(delivery, outputs), delivery.extend)
        return Done(outputs)

    async def _open(self, delivery: Delivery) -> Message | Facts | Done:
        stored = delivery.stored
        if self.actor.joins:
            ordered = delivery.stream != "WORK"
            return await Join(self.bus, self.actor.joins).gather(stored, ordered=ordered)
        return open_message(stored.subject, stored.headers, stored.body)

    def _context(self, delivery: Delivery, extend: Callable[[], Awaitable[None]]) -> Context:
        address = address_of(delivery.stored.subject)

        async def report(fraction: float, note: str, renditions: Mapping[str, float]) -> None:
            await self._report(delivery, fraction, note, renditions)

        return Context(address.video_id, address.priority, delivery.attempt, extend, report)

    async def _report(
        self, delivery: Delivery, fraction: float, note: str, renditions: Mapping[str, float]
    ) -> None:
        """Publish progress. It may be lost, so nobody waits long for it and nothing fails for it.

        An attempt at a part of a stage is not an attempt at the stage.
        """
        address, stage = address_of(delivery.stored.subject), stage_of(self.actor.name)
        progress = StageProgressed(
            video_id=address.video_id,
            stage=stage,
            attempt=delivery.attempt if stage == self.actor.name else 1,
            fraction=round(fraction, 3),
            note=note,
            renditions=dict(renditions),
        )
        envelope = seal(progress, message_id="", priority=address.priority)
        envelope.headers.pop(MESSAGE_ID)
        with contextlib.suppress(BusError, TimeoutError):
            async with asyncio.timeout(REPORT_TIMEOUT_SECONDS):
                await self.bus.publish(envelope)

    async def _say(self, delivery: Delivery, outputs: tuple[Message, ...]) -> None:
        """Settle the stage, then publish the outputs side by side; ids derive from the input's."""
        stored, address = delivery.stored, address_of(delivery.stored.subject)
        outcome = stage_outcome(self.actor.name, outputs)
        if outcome is not None:
            stage, (state, reason) = stage_of(self.actor.name), outcome
            await self.stages.settle(address.video_id, stage, state, delivery.attempt, reason)
        cause = stored.headers.get(MESSAGE_ID, f"{delivery.stream}:{stored.sequence}")
        trace = continue_trace(stored.headers.get(TRACE, ""))
        envelopes = (
            seal(
                output,
                message_id=derived_id(cause, self.actor.name, position),
                priority=output.urgency(address.priority),
                trace=trace,
            )
            for position, output in enumerate(outputs)
        )
        kept = await asyncio.gather(*map(self.bus.publish, envelopes), return_exceptions=True)
        for failure in kept:
            if isinstance(failure, BaseException):
                raise failure

    async def _answer(self, delivery: Delivery, verdict: Verdict) -> None:
        match verdict:
            case Done():
                await delivery.ack()
            case Later(delay_seconds=delay):
                await delivery.nak(delay)
            case Bury(code=code, reason=reason):
                name, stored, attempt = self.actor.name, delivery.stored, delivery.attempt
                await persevere(
                    lambda: self.graveyard.bury(name, stored, attempt, code, reason), delivery.extend
                )
                await delivery.terminate(code)

    def _record(self, delivery: Delivery, verdict: Verdict, seconds: float) -> None:
        stored = delivery.stored
        outcome, reason = "done", ""
        match verdict:
            case Done(outcome=outcome):
                pass
            case Later(reason=reason):
                outcome = "retry"
            case Bury(code=code, reason=reason):
                outcome, reason = "buried", f"{code}: {reason}"
        record(
            Line(
                actor=self.actor.name,
                subject=stored.headers.get(SUBJECT) or address_of(stored.subject).name,
                video_id=str(address_of(stored.subject).video_id),
                attempt=delivery.attempt,
                outcome=outcome,
                seconds=seconds,
                trace_id=trace_id(stored.headers.get(TRACE, "")),
                reason=reason,
            )
        )
