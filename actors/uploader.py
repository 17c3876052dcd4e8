"""upload.completed -> uploader -> video.uploaded | video.rejected

Checks length and hash of what arrived, looks what it is, and promotes it from staging to its final place.
Idempotent: one original per video; a redelivery answers from the row.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import ClassVar

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.engines.clip.sniff import HEAD_BYTES, Sniffed, sniff
from actors.engines.errors import SENTENCES, Refusal
from storage.errors import ObjectMissingError
from storage.keys import original_key, staging_prefix
from storage.no_orphans import no_orphans
from storage.ports import Objects, Videos
from storage.records import Original, Rejection
from subjects import upload, video
from subjects.upload import UploadCompleted
from subjects.video import VideoRejected, VideoUploaded


class UnfitError(Exception):
    """What arrived cannot be an original."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(code=code, detail=detail)


@dataclass(slots=True)
class Tally:
    """Counts and hashes bytes as they pass."""

    size_bytes: int = 0
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    async def add(self, chunk: bytes) -> None:
        """Take a chunk in; hashing releases the GIL, so a thread keeps the loop free."""
        self.size_bytes += len(chunk)
        await asyncio.to_thread(self.sha256.update, chunk)

    def check(self, event: UploadCompleted) -> None:
        """Raise UnfitError when the bytes are not those that were promised."""
        if self.size_bytes != event.size_bytes:
            raise UnfitError(
                "incomplete", f"{self.size_bytes} of {event.size_bytes} bytes arrived. Upload the file again."
            )
        if event.sha256 is not None and self.sha256.hexdigest() != event.sha256.lower():
            raise UnfitError(
                "checksum_mismatch", "The file is not the one whose sha256 was given. Upload it again."
            )


@dataclass(frozen=True, slots=True)
class Uploader(Actor[UploadCompleted, VideoUploaded | VideoRejected]):
    """Promotes an upload to a video's original."""

    name: ClassVar = "uploader"
    consumes: ClassVar = (upload.COMPLETED,)
    produces: ClassVar = (video.UPLOADED, video.REJECTED)
    delivery: ClassVar = Delivery(ack_wait=5.0, concurrency=8)

    objects: Objects
    videos: Videos

    async def handle(self, event: UploadCompleted, ctx: Context) -> tuple[VideoUploaded | VideoRejected, ...]:
        """Make the original, or say why it cannot be one; then sweep the staging."""
        async with no_orphans(self.objects, event.video_id):
            known = await self.videos.load(event.video_id)
            outcome = known.original or known.rejection or await self._promote(event, ctx)
        await ctx.during(self.objects.remove_prefix(staging_prefix(event.upload_id)))
        if isinstance(outcome, Rejection):
            return (
                VideoRejected(
                    video_id=event.video_id, stage=self.name, code=outcome.code, detail=outcome.detail
                ),
            )
        return (
            VideoUploaded(
                video_id=event.video_id,
                key=outcome.key,
                size_bytes=outcome.size_bytes,
                sha256=outcome.sha256,
                content_type=outcome.content_type,
            ),
        )

    async def _promote(self, event: UploadCompleted, ctx: Context) -> Original | Rejection:
        """Copy the segments into one object in one pass; the row follows the object."""
        try:
            kind = await ctx.during(self._look(event))
            key, tally = original_key(event.video_id, kind.extension), Tally()
            await ctx.during(self.objects.put_stream(key, self._checked(event, tally, ctx)))
            return await self.videos.record_original(
                event.video_id,
                Original(
                    key=key,
                    size_bytes=tally.size_bytes,
                    sha256=tally.sha256.hexdigest(),
                    content_type=kind.content_type,
                ),
            )
        except UnfitError as unfit:
            code, detail = unfit.rejection.code, unfit.rejection.detail
            await self.videos.reject(event.video_id, self.name, code, detail)
            return unfit.rejection

    async def _look(self, event: UploadCompleted) -> Sniffed:
        """Look at the first bytes. Raises UnfitError for what is surely no clip, so that it is never kept."""
        if event.size_bytes == 0:
            raise UnfitError(Refusal.EMPTY, SENTENCES[Refusal.EMPTY])
        head = b""
        for key in event.segment_keys:
            info = await self.objects.head(key)
            if info is None:
                raise ObjectMissingError(key)
            wanted = min(info.size_bytes, HEAD_BYTES - len(head))
            head += b"".join([chunk async for chunk in self.objects.stream(key, 0, wanted)])
            if len(head) >= HEAD_BYTES:
                break
        kind = sniff(head)
        if kind is None:
            raise UnfitError(Refusal.NOT_MEDIA, SENTENCES[Refusal.NOT_MEDIA])
        return kind

    async def _checked(self, event: UploadCompleted, tally: Tally, ctx: Context) -> AsyncIterator[bytes]:
        """Yield the upload's bytes; raise UnfitError at the end when they are not what was promised.

        Raising inside the stream keeps the object from ever becoming visible.
        """
        for key in event.segment_keys:
            async for chunk in self.objects.stream(key):
                await tally.add(chunk)
                yield chunk
                await ctx.progress(tally.size_bytes / max(event.size_bytes, 1), "keeping the original")
        tally.check(event)
