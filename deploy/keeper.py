"""Keeps one child alive: spawns it, waits until it answers, and starts it again when it dies."""

import asyncio
import logging
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.child import Child, becomes_ready, end, spawn, tail
from deploy.stack_errors import ChildFailedError

MAX_FAILED_STARTS = 5
SETTLED_SECONDS = 10.0
FIRST_DELAY_SECONDS = 0.1
LAST_DELAY_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life of a child, from spawn to exit; a negative return code is the signal that ended it."""

    was_ready: bool
    uptime_seconds: float
    returncode: int

    @property
    def settled(self) -> bool:
        """Whether it lived long enough to count as healthy."""
        return self.was_ready and self.uptime_seconds >= SETTLED_SECONDS

    @property
    def is_failed_start(self) -> bool:
        """Whether it failed by itself, as opposed to being killed or asked to stop while it served."""
        return not self.was_ready or (self.returncode > 0 and not self.settled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the lives so far say about the next one."""

    short_lives: int = 0
    failed_starts: int = 0

    def after(self, life: Life) -> "Past":
        """The past once `life` is over."""
        return Past(
            short_lives=0 if life.settled else self.short_lives + 1,
            failed_starts=self.failed_starts + 1 if life.is_failed_start else 0,
        )

    @property
    def delay_seconds(self) -> float:
        """How long to wait before the next life: doubling with every short one."""
        doublings = max(0, self.short_lives - 1)
        return float(min(LAST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(doublings, 10)))


@dataclass(slots=True, eq=False, kw_only=True)
class Keeper:
    """Runs one child, life after life, until it is cancelled or the child is hopeless."""

    child: Child
    log: Path
    changed: Callable[[], None]
    max_failed_starts: int = MAX_FAILED_STARTS
    process: Process | None = None
    serving: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, followers: Callable[[], set[asyncio.Task[None]]]) -> None:
        """Raise ChildFailedError when hopeless; end the child, after its followers, in any case."""
        try:
            await self._live_again_and_again()
        finally:
            if tasks := followers():
                await asyncio.wait(tasks)
            if self.process:
                await end(self.child, self.process)

    async def _live_again_and_again(self) -> None:
        past = Past()
        while True:
            life = await self._live()
            past = past.after(life)
            if past.failed_starts > self.max_failed_starts:
                reason = f"it ended {past.failed_starts} times, the last time with {life.returncode}"
                raise ChildFailedError(self.child.name, reason, tail(self.log))
            _log.warning("%s ended with %s, starts again", self.child.name, life.returncode)
            await asyncio.sleep(past.delay_seconds)

    async def _live(self) -> Life:
        await self.child.prepare()
        started = time.monotonic()
        self.process = process = await spawn(self.child, self.log)
        self.changed()
        try:
            if ready := await becomes_ready(self.child, process):
                self.serving.set()
                await process.wait()
                self.serving.clear()
        except TimeoutError as error:
            # It runs and is silent: starting it again would only hide that for longer.
            reason = f"no answer within {self.child.ready_seconds:g} s"
            raise ChildFailedError(self.child.name, reason, tail(self.log)) from error
        await end(self.child, process)
        self.process = None
        uptime_seconds = time.monotonic() - started
        return Life(was_ready=ready, uptime_seconds=uptime_seconds, returncode=process.returncode or 0)
