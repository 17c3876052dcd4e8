"""One client's stream: where the video stands, what was missed, then what happens, without gap or duplicate.

Listening begins before the past is read back, so nothing falls between; what both told is told once, by its
place in the stream.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final, cast
from uuid import UUID
from weakref import WeakSet

from gateway.access_log import STREAMS
from gateway.event_text import HEARTBEAT, RECONNECT, RETRY, Frame, event_text, find_message, frame_of
from gateway.events import EVENTS, Hub, Inbox, video_patterns
from gateway.problems import unavailable
from storage.errors import StorageUnavailableError
from subjects.bus import BusError, Stored

HEARTBEAT_SECONDS: Final = 15.0
ECHO_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 3600.0
ROOM_RETRY_SECONDS: Final = 5
PROGRESS_SECONDS: Final = 1.0
"""How long ago the client may have been seen to be allowed to hear of progress: there is much of it."""
SILENT_SECONDS: Final = 60.0
"""And to stay while nothing is told, so that silent streams cost next to nothing."""
PAST_FACTS: Final = 64


class Seat:
    """One stream's place among those a process holds; free once nobody holds it, begun or not."""

    __slots__ = ("__weakref__",)


class Seats:
    """How many streams a process may hold."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken: WeakSet[Seat] = WeakSet()
        STREAMS.set_function(lambda: len(self._taken))

    def take(self) -> Seat:
        """Return a place. Raises ProblemError 503 when all are taken."""
        if len(self._taken) >= self.limit:
            raise unavailable(
                "This process holds as many event streams as it can. Come again later.",
                code="overloaded",
                seconds=ROOM_RETRY_SECONDS,
            )
        seat = Seat()
        self._taken.add(seat)
        return seat


async def always(since: float | None) -> bool:  # noqa: ARG001 - nobody needs to look
    """Return that a stream may go on, whoever listens."""
    return True


@dataclass(frozen=True, slots=True)
class EventStream:
    """What a stream is made of. `snapshot` returns the video's representation, or None when it is gone."""

    hub: Hub
    video_id: UUID
    snapshot: Callable[[], Awaitable[Any]]
    after: int | None = None
    """The last event the client knows; None when it knows nothing but what it is told first."""
    goes_on: Callable[[float | None], Awaitable[bool]] = always
    """Whether the client may still be told; asked before each word, with the time of `clock` from which on
    the answer must have been found: for a fact when it was heard, so that nothing is told that was said after
    the video was hidden. None for the word that the video is gone: then nobody sees it any more."""
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    longest_seconds: float = LONGEST_SECONDS
    clock: Callable[[], float] = time.monotonic

    async def parts(self, seat: Seat) -> AsyncIterator[bytes]:
        """Yield the text of the stream until the client, the house or an hour says that it is over.

        Holds on to the seat for as long as it exists. When a server behind us fails, the client is told to
        come back: it knows how far it got.
        """
        try:
            with self.hub.listening(self.video_id) as inbox:
                async with aclosing(cast("Any", self._told(inbox))) as told:
                    async for text in told:
                        yield text
        except (BusError, StorageUnavailableError):
            yield RECONNECT
        del seat

    async def _told(self, inbox: Inbox) -> AsyncIterator[bytes]:
        yield RETRY
        video = await self.snapshot()
        if video is not None:
            yield event_text("video", video)
        known = 0
        async with aclosing(cast("Any", self._past())) as past:
            async for facts in past:
                if not await self.goes_on(self.clock()):
                    yield RECONNECT
                    return
                known = facts[-1].sequence
                for text in self._texts(facts):
                    yield text
        async with aclosing(cast("Any", self._live(inbox, known))) as live:
            async for text in live:
                yield text

    async def _past(self) -> AsyncIterator[list[Stored]]:
        """Yield the last event that the client knows, and what came after, some at a time.

        The known one because the hub may lag behind what the client saw elsewhere: that is never told twice
        either. An id that was never given here, or by a stream that lost its end, hides nothing that comes.
        """
        if self.after is None:
            return
        after, facts = max(self.after - 1, 0), list[Stored]()
        async for stored in self.hub.bus.history(EVENTS, video_patterns(self.video_id), after=after):
            facts.append(stored)
            if len(facts) == PAST_FACTS:
                yield facts
                facts = []
        if facts:
            yield facts

    def _texts(self, facts: list[Stored]) -> Iterator[bytes]:
        for stored in facts:
            message = find_message(stored)
            if message is not None and stored.sequence != self.after:
                yield frame_of(message, stored).text

    async def _live(self, inbox: Inbox, known: int) -> AsyncIterator[bytes]:
        until, pauses = self.clock() + self.longest_seconds, self._pauses()
        while self.clock() < until:
            try:
                async with asyncio.timeout(next(pauses)):
                    frame = await inbox.frames.get()
            except TimeoutError:
                if not await self.goes_on(self.clock() - SILENT_SECONDS):
                    break
                yield HEARTBEAT
                continue
            pauses = self._pauses()
            if frame is None or not await self.goes_on(self._since(frame)):
                break
            if frame.sequence is None or frame.sequence > known:
                yield frame.text
            if frame.last:
                return
        yield RECONNECT

    def _since(self, frame: Frame) -> float | None:
        if frame.last:
            return None
        return frame.heard_at if frame.sequence is not None else self.clock() - PROGRESS_SECONDS

    def _pauses(self) -> Iterator[float]:
        """Yield how long to wait for an event before each beat of a silent stream.

        Beats come in threes: the first makes the host of a client that is gone answer with a reset, and the
        transport, always one step ahead of what it wrote, needs two more to notice.
        """
        return cycle((self.heartbeat_seconds, ECHO_SECONDS, ECHO_SECONDS))
