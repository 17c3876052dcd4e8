"""tus concatenation: `Upload-Concat: final;<url> <url>` makes one upload of complete partial ones."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from gateway.config import GatewayConfig
from gateway.media import tus
from gateway.media.completion import completion
from gateway.media.exchange import Request
from gateway.media.intake import SEGMENTS_MAX
from gateway.media.intent import new_upload, new_video
from gateway.media.metadata import Claims
from gateway.media.uploads import require_size
from gateway.problems import ProblemError
from gateway.signing import find_upload_id
from gateway.urgency import priority_of
from storage.errors import StorageError
from storage.ports import Uploads, Videos
from storage.records import NewUpload, Segment, Upload
from subjects.ids import derived_uuid7
from subjects.trace import begin_trace

PARTS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Concatenation:
    """Joins partial uploads. No byte is copied: their segments move."""

    config: GatewayConfig
    videos: Videos
    uploads: Uploads
    kick: Callable[[], None]
    now: Callable[[], datetime]

    async def join(self, request: Request, user_id: UUID, claims: Claims, urls: str) -> Upload:
        """Return a complete upload made of a user's parts at these URLs, in order.

        Raises ProblemError, QuotaExceededError.
        """
        if "upload-length" in request.headers or request.body.declared_bytes != 0:
            raise tus.bad_header("Upload-Length", "left out of a final upload, and bytes too")
        parts = [await self._get_part(part_id, user_id) for part_id in part_ids(self.config, urls)]
        segments = tuple(segment for part in parts for segment in part.segments)
        if len(segments) > SEGMENTS_MAX:
            raise ProblemError("too_large", "The parts came in too many pieces.")
        length_bytes = sum(part.offset_bytes for part in parts)
        require_size(length_bytes, self.config.max_upload_bytes)
        final = new_upload(self.config, user_id, claims, length_bytes, self.now())
        return await self._join(final, claims, parts, segments, begin_trace(request.id))

    async def _join(
        self,
        final: NewUpload,
        claims: Claims,
        parts: list[Upload],
        segments: tuple[Segment, ...],
        trace: str,
    ) -> Upload:
        announce = completion(
            final,
            segments,
            priority=priority_of(final.length_bytes),
            completed_at=final.created_at,
            trace=trace,
        )
        if announce is None or final.video_id is None:
            raise ValueError("a final upload has a video")
        # A video is made together with an upload. This one only keeps the place of the final one. Given up,
        # it takes along a video that waits for nothing else; when our process breaks off here, it expires.
        place = replace(final, id=derived_uuid7(final.id, "place"), length_bytes=None)
        await self.videos.create(new_video(final.video_id, final, claims), place, self.config.quota)
        try:
            upload = await self.uploads.concatenate(final, [part.id for part in parts], announce)
        finally:
            with suppress(StorageError):  # then its time runs out
                await self.uploads.terminate(place.id)
            self.kick()
        return upload

    async def _get_part(self, part_id: UUID, user_id: UUID) -> Upload:
        part = await self.uploads.find(part_id)
        # Another user's is answered like one that is not there, whoever holds its URL.
        if part is None or part.user_id != user_id or not part.partial or part.state != "complete":
            raise ProblemError(
                "conflict", "Every part must be a partial upload of yours that is complete and unused."
            )
        return part


def part_ids(config: GatewayConfig, urls: str) -> list[UUID]:
    """Return the uploads that a list of URLs, absolute or not, names. Raises ProblemError 400."""
    found = [find_upload_id(config, url.rstrip("/").rpartition("/")[2]) for url in urls.split()]
    ids = [part_id for part_id in found if part_id is not None]
    if not ids or len(ids) < len(found) or len(set(ids)) < len(ids) or len(ids) > PARTS_MAX:
        raise tus.bad_header("Upload-Concat", f"final; and the URLs of 1 to {PARTS_MAX} different uploads")
    return ids
