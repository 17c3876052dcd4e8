"""Runs actors in one process until it is told to drain."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from actors.core.actor import AnyActor, durables_of
from actors.core.dead_letters import ADVISORY_DURABLE, Graveyard, Undertaker
from actors.core.intake import Intake
from actors.core.runner import Runner
from storage.ports import Stages
from subjects.bus import Bus
from subjects.message import Priority

logger = logging.getLogger(__name__)

UNDERTAKER = "undertaker"
"""The name under which a process runs the mover of poison messages instead of an actor."""


def actor_intake(actor: AnyActor, bus: Bus, stages: Stages) -> Intake:
    """Return the intake of an actor: its lines in order of urgency, events before orders."""
    order = {priority: rank for rank, priority in enumerate(Priority)}
    lines = sorted(
        durables_of(actor), key=lambda one: (order[Priority(one.name.rpartition("-")[2])], one.stream)
    )
    runner = Runner(actor, bus, stages, Graveyard(bus, stages))
    home = next(number for number, line in enumerate(lines) if line.name.endswith(f"-{Priority.NORMAL}"))
    return Intake(bus, tuple(lines), actor.delivery.concurrency, runner.carry, home)


def undertaker_intake(bus: Bus, stages: Stages) -> Intake:
    """Return the intake that turns advisories into dead letters."""
    undertaker = Undertaker(bus, Graveyard(bus, stages))
    return Intake(bus, (ADVISORY_DURABLE,), 4, undertaker.carry)


@dataclass(frozen=True, slots=True)
class Host:
    """The intakes of one process, drained together."""

    intakes: Sequence[Intake]
    grace_seconds: float = 10.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what runs within the grace period and give back the rest."""
        async with asyncio.TaskGroup() as group:
            for intake in self.intakes:
                group.create_task(intake.run(self.grace_seconds))
            await stop.wait()
            logger.info("draining")
            for intake in self.intakes:
                intake.drain()
