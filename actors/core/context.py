"""What a handler may ask of the runtime while it works."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

from subjects.message import Priority

T = TypeVar("T")
REPORT_INTERVAL_SECONDS: Final = 0.25
"""Clients see at most this many reports a second of one stage; the ack is extended every time."""


ALIVE_INTERVAL_SECONDS: Final = 1.0
"""How often `during` gives a sign of life."""


@dataclass(slots=True)
class Context:
    """One attempt at one message."""

    video_id: UUID
    priority: Priority
    attempt: int
    """From 1. A handler may look, but its effects must not depend on it."""
    extend: Callable[[], Awaitable[None]]
    report: Callable[[float, str, Mapping[str, float]], Awaitable[None]]
    _reported_at: float = field(default=float("-inf"))
    _progressed_at: float = field(default=float("-inf"))

    async def progress(
        self, fraction: float, note: str = "", renditions: Mapping[str, float] | None = None
    ) -> None:
        """Say how far the work is: 0 to 1, a short note for people, and how far each rendition is.

        Also the sign of life: a handler that is silent for its ack wait is presumed hung and stopped.
        """
        await self.extend()
        now = self._progressed_at = asyncio.get_running_loop().time()
        if now - self._reported_at >= REPORT_INTERVAL_SECONDS or fraction >= 1.0:
            self._reported_at = now
            await self.report(min(max(fraction, 0.0), 1.0), note, renditions or {})

    async def during(self, work: Awaitable[T], *, at_most_seconds: float = 60.0) -> T:
        """Return what `work` returns, giving signs of life while it waits for a server that moves bytes.

        For I/O whose adapter has time-outs of its own and nothing to report meanwhile, such as a large part
        on its way to a bucket. After `at_most_seconds` without any other progress it gives no more signs,
        and the handler is presumed hung.
        """
        loop = asyncio.get_running_loop()
        self._progressed_at = loop.time()
        doing = asyncio.ensure_future(work)
        try:
            while not doing.done():
                if loop.time() - self._progressed_at < at_most_seconds:
                    await self.extend()
                await asyncio.wait([doing], timeout=ALIVE_INTERVAL_SECONDS)
            return doing.result()
        finally:
            doing.cancel()
