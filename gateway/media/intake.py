"""The body of a PATCH -> durable segments, with memory for two of them.

While one segment is written the next one is read. Each is recorded as soon as it is durable, so whatever
happens, HEAD says where to go on; only under a checksum the whole PATCH counts or nothing of it.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.config import GatewayConfig
from gateway.media.checksum import Checksum
from gateway.media.completion import completion
from gateway.media.exchange import Body
from gateway.media.journal import COMPLETED, STORED
from gateway.media.slicer import Slicer
from gateway.problems import ProblemError
from storage.errors import (
    OffsetConflictError,
    StorageError,
    StorageUnavailableError,
    UploadClosedError,
)
from storage.keys import segment_key
from storage.ports import Objects, Uploads
from storage.records import Segment, Upload

logger = logging.getLogger(__name__)

SEGMENTS_MAX: Final = 10_000
"""Their keys travel in one message, which must stay below the bus's limit of 1 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes bytes for uploads. `kick` is called when a completion waits in the outbox."""

    config: GatewayConfig
    uploads: Uploads
    objects: Objects
    kick: Callable[[], None]
    now: Callable[[], datetime]

    async def receive(self, upload: Upload, body: Body, checksum: Checksum | None, trace: str) -> Upload:
        """Store a body behind what the upload has, and return the upload as it stands then.

        A body that breaks off leaves what had arrived. Raises ProblemError: 413 for bytes beyond the
        upload's length, 460 for a checksum that does not fit; and what the ports raise.
        """
        slicer = Slicer(self.config.segment_bytes, room_bytes(upload, self.config.max_upload_bytes))
        writer = _Writer(self, upload, checksum, trace)
        try:
            async with aclosing(body.chunks()) as chunks:  # type: ignore[type-var] # it is a generator
                await _fill(slicer, chunks)
                while slicer.is_ready:
                    await _write_while_reading(writer, slicer, chunks)
        except (ProblemError, StorageError):
            if checksum is not None:  # else a commit that broke off may have recorded what is held
                await writer.take_back()
            raise
        return await writer.finish(whole=body.is_whole)


def room_bytes(upload: Upload, max_upload_bytes: int) -> int:
    """Return how many more bytes an upload takes."""
    limit_bytes = max_upload_bytes if upload.length_bytes is None else upload.length_bytes
    return limit_bytes - upload.offset_bytes


async def _write_while_reading(writer: "_Writer", slicer: Slicer, chunks: AsyncIterator[bytes]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.write(slicer.take()))
            await _fill(slicer, chunks)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def _fill(slicer: Slicer, chunks: AsyncIterator[bytes]) -> None:
    """Read until a segment is ready or the body has ended."""
    while not slicer.is_ready and not slicer.ended:
        piece = await anext(chunks, None)
        if piece is None:
            slicer.end()
            return
        try:
            slicer.feed(piece)
        except OverflowError as error:
            raise ProblemError("too_large", "There are more bytes than the upload's length.") from error


@dataclass(slots=True)
class _Writer:
    """Puts the segments of one PATCH into staging and records them."""

    intake: Intake
    upload: Upload
    checksum: Checksum | None
    trace: str
    held: list[Segment] = field(default_factory=list)
    """Durable, but not recorded yet."""

    @property
    def end_bytes(self) -> int:
        return self.upload.offset_bytes + sum(segment.size_bytes for segment in self.held)

    async def write(self, data: bytes) -> None:
        if len(self.upload.segments) + len(self.held) >= SEGMENTS_MAX:
            raise ProblemError("too_large", "There are too many pieces: begin anew with larger ones.")
        key = segment_key(self.upload.id, self.end_bytes, secrets.token_hex(4))
        if self.checksum is not None:
            await asyncio.to_thread(self.checksum.update, data)
        await self.intake.objects.put(key, data)
        STORED.inc(len(data))
        self.held.append(Segment(key=key, size_bytes=len(data)))
        if self.checksum is None:
            await self.commit()

    async def finish(self, *, whole: bool) -> Upload:
        if self.checksum is not None and not (whole and self.checksum.fits):
            await self.take_back()
            raise ProblemError("checksum_mismatch", "The bytes do not fit Upload-Checksum: send them again.")
        if self.held or (self.upload.state == "open" and self.end_bytes == self.upload.length_bytes):
            await self.commit()
        return self.upload

    async def commit(self) -> None:
        """Record what is held; with the last byte the news is promised in the same transaction."""
        upload, now = self.upload, self.intake.now()
        is_last = self.end_bytes == upload.length_bytes
        segments = (*upload.segments, *self.held)
        announce = (
            completion(upload, segments, priority=upload.priority, completed_at=now, trace=self.trace)
            if is_last
            else None
        )
        expires_at = now + timedelta(seconds=self.intake.config.upload_ttl_seconds)
        try:
            self.upload = await self.intake.uploads.append(
                upload.id, upload.offset_bytes, self.held, announce, expires_at
            )
        except (OffsetConflictError, UploadClosedError) as refusal:
            self.upload = await self._heard_before(refusal)
        except ValueError as error:  # another request said a length that is shorter than what we bring
            await self.take_back()
            raise ProblemError("too_large", "There are more bytes than the upload's length.") from error
        self.held = []
        if announce is not None:
            COMPLETED.inc()
            self.intake.kick()

    async def _heard_before(self, refusal: StorageError) -> Upload:
        """Return the upload when it was our own commit that moved it, whose answer got lost on the way.

        Else what is held is taken back: an upload that was closed meanwhile may have been swept already.
        """
        found = await self.intake.uploads.find(self.upload.id)
        if found is None or not self.held or self.held[-1] not in found.segments:
            # All bytes of a part may be ours, and in a final upload by now: swept together with that one.
            if found is None or not found.partial or found.offset_bytes != found.length_bytes:
                await self.take_back()
            raise refusal
        return found

    async def take_back(self) -> None:
        """Remove what is held, none of it being recorded."""
        keys, self.held = [segment.key for segment in self.held], []
        try:
            await self.intake.objects.remove(keys)
        except StorageUnavailableError as error:
            logger.warning("%d segments of upload %s stay in staging: %s", len(keys), self.upload.id, error)
