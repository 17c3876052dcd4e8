"""The hub: one process reads each stream once and fans out in memory to any number of clients.

A client never gets a consumer of its own. Whoever joins is told live from that moment on; what came before
is read back by the video's own subjects (`event_stream.py`). When the line to the bus breaks, everybody is
sent away to come back with their Last-Event-ID: what was missed is then read back, never lost.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from gateway.event_text import Frame, Progress, find_message, frame_of, progress_of, settled_stage
from subjects.bus import Bus, BusError, Stored
from subjects.registry import SUBJECTS
from subjects.stage import StageProgressed

logger = logging.getLogger(__name__)

EVENTS: Final = "EVENTS"
PROGRESS: Final = "PROGRESS"
INBOX_FRAMES: Final = 256
"""How far a client may fall behind before it is sent away to reconnect."""
PROGRESS_VIDEOS: Final = 10_000
RETRY_SECONDS: Final = 0.5
RETRY_SECONDS_MAX: Final = 8.0


def patterns(stream: str, video_id: UUID | None = None) -> tuple[str, ...]:
    """Return the filters that match everything a stream says, of one video or of all."""
    return tuple(one.pattern(video_id=video_id) for one in SUBJECTS if one.stream == stream)


def video_patterns(video_id: UUID) -> tuple[str, ...]:
    """Return the filters that match everything said of one video: with and without a stage at the end.

    Each costs questions to the bus, so they are two and not one per subject. Whoever reads leaves out what
    it does not know.
    """
    return (f"*.*.*.{video_id}", f"*.*.*.{video_id}.*")


@dataclass(eq=False, slots=True)
class Inbox:
    """What one client is still to be told. `closed` says that it must go once it has read the rest."""

    frames: asyncio.Queue[Frame | None] = field(default_factory=lambda: asyncio.Queue(INBOX_FRAMES + 1))
    closed: bool = False

    def put(self, frame: Frame) -> None:
        """Add a frame; a client that is too far behind is closed instead."""
        if self.closed:
            return
        if self.frames.qsize() >= INBOX_FRAMES:
            self.close()
        else:
            self.frames.put_nowait(frame)

    def close(self) -> None:
        """Tell nothing more: the queue has room for this one word."""
        if not self.closed:
            self.closed = True
            self.frames.put_nowait(None)


class Hub:
    """Everybody who listens in this process, and the latest progress of each stage."""

    def __init__(self, bus: Bus, retry_seconds: float = RETRY_SECONDS) -> None:
        self.bus, self._retry_seconds = bus, retry_seconds
        self.live = asyncio.Event()
        self.draining = False
        self._inboxes: dict[UUID, set[Inbox]] = {}
        self._progress: OrderedDict[UUID, dict[str, Progress]] = OrderedDict()
        self._open_lines = 0

    async def run(self) -> None:
        """Follow both streams until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(EVENTS))
            group.create_task(self._follow(PROGRESS))

    async def _follow(self, stream: str) -> None:
        failures = 0
        while True:
            try:
                async with self.bus.tail(stream, patterns(stream)) as messages:
                    failures = 0
                    await self._hear(messages)
            except BusError as error:
                logger.warning("the line to %s broke: %s", stream, error)
            await asyncio.sleep(min(self._retry_seconds * 2**failures, RETRY_SECONDS_MAX))
            failures += 1

    async def _hear(self, messages: AsyncIterator[Stored]) -> None:
        with self._line():
            async for stored in messages:
                self._tell(stored)

    @contextmanager
    def _line(self) -> Iterator[None]:
        """Be live while both lines are open; send everybody away when one closes."""
        self._open_lines += 1
        if self._open_lines == len((EVENTS, PROGRESS)):
            self.live.set()
        try:
            yield
        finally:
            self._open_lines -= 1
            self.live.clear()
            self._send_away()

    def _tell(self, stored: Stored) -> None:
        message = find_message(stored)
        if message is None:
            return
        if isinstance(message, StageProgressed):
            message = self.remember(message, stored)
        elif (stage := settled_stage(message)) is not None:
            self._progress.get(message.video_id, {}).pop(stage, None)  # what comes later begins anew
        if message.video_id in self._inboxes:
            frame = frame_of(message, stored, time.monotonic())
            for inbox in self._inboxes[message.video_id]:
                inbox.put(frame)

    def remember(self, message: StageProgressed, stored: Stored) -> StageProgressed:
        """Keep the progress of a stage, and forget the video that was silent longest.

        Returns the message as it is to be told: with the furthest that was heard of in this attempt.
        """
        of_video = self._progress.setdefault(message.video_id, {})
        now = progress_of(message, stored.stored_at, of_video.get(message.stage))
        of_video[message.stage] = now
        self._progress.move_to_end(message.video_id)
        if len(self._progress) > PROGRESS_VIDEOS:
            self._progress.popitem(last=False)
        return replace(message, attempt=now.attempt, fraction=now.fraction, renditions=dict(now.renditions))

    def progress(self, video_id: UUID) -> Mapping[str, Progress]:
        """Return the latest progress of each stage that this process heard of."""
        return self._progress.get(video_id, {})

    @contextmanager
    def listening(self, video_id: UUID) -> Iterator[Inbox]:
        """Hear all that is said of a video from now on."""
        inbox = Inbox()
        self._inboxes.setdefault(video_id, set()).add(inbox)
        if self.draining:
            inbox.close()
        try:
            yield inbox
        finally:
            listeners = self._inboxes[video_id]
            listeners.discard(inbox)
            if not listeners:
                del self._inboxes[video_id]

    @property
    def listeners(self) -> int:
        """How many clients listen."""
        return sum(map(len, self._inboxes.values()))

    def drain(self) -> None:
        """Send everybody away, and whoever comes."""
        self.draining = True
        self._send_away()

    def _send_away(self) -> None:
        for inboxes in self._inboxes.values():
            for inbox in inboxes:
                inbox.close()
