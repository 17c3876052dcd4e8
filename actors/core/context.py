"""What a handler may ask of the runtime while it works."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from subjects.message import Priority

REPORT_INTERVAL_SECONDS: Final = 0.25
"""Clients see at most this many reports a second of one stage; the ack is extended every time."""


@dataclass(slots=True)
class Context:
    """One attempt at one message."""

    video_id: UUID
    priority: Priority
    attempt: int
    """From 1. A handler may look, but its effects must not depend on it."""
    extend: Callable[[], Awaitable[None]]
    report: Callable[[float, str], Awaitable[None]]
    _reported_at: float = field(default=float("-inf"))

    async def progress(self, fraction: float, note: str = "") -> None:
        """Say how far the work is: 0 to 1, and a short note for people.

        Also the sign of life: a handler that is silent for its ack wait is presumed hung and stopped.
        """
        await self.extend()
        now = asyncio.get_running_loop().time()
        if now - self._reported_at >= REPORT_INTERVAL_SECONDS or fraction >= 1.0:
            self._reported_at = now
            await self.report(min(max(fraction, 0.0), 1.0), note)
