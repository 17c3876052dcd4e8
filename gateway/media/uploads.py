"""tus on one upload: HEAD says where it stands, PATCH brings bytes, DELETE gives it up.

    PATCH /uploads/{id}.{signature} -> segments in staging -> upload.completed

The URL is the permission: its holder goes on as the upload's owner. Nothing is locked: of two writers at one
offset the database lets one win, and the other is told 409 and asks again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from gateway.media import tus
from gateway.media.admission import client_network
from gateway.media.budget import Budget
from gateway.media.checksum import Checksum, find_checksum
from gateway.media.completion import parts_of
from gateway.media.exchange import Reply, Request
from gateway.media.intake import Intake, room_bytes
from gateway.media.metadata import write_metadata
from gateway.problems import ProblemError, quota_problem
from gateway.signing import find_upload_id, upload_url
from storage.asking import Asking, asking_as
from storage.errors import OffsetConflictError, QuotaExceededError
from storage.records import Upload
from subjects.trace import begin_trace

_STAYS_WHOLE: Final = "The upload is complete: delete its video instead."
_STAYS_PART: Final = (
    "The part is complete: use it in a final upload, or leave it, and it is removed when its time runs out."
)


@dataclass(frozen=True, slots=True)
class UploadHandlers:
    """What an upload's URL answers."""

    intake: Intake
    budget: Budget = field(default_factory=Budget)

    async def stand(self, request: Request) -> Reply:
        """Answer HEAD. Raises ProblemError."""
        tus.require_version(request.headers)
        upload = await self._find(request)
        return Reply(200, {**progress(upload), **self._description(upload)})

    async def patch(self, request: Request) -> Reply:
        """Take bytes. Raises ProblemError."""
        tus.require_version(request.headers)
        tus.require_body_type(request.headers)
        offset_bytes = tus.get_bytes(request.headers, "Upload-Offset")
        found = await self._find(request)
        with asking_as(Asking(user_id=found.user_id)):
            return await self._patch(await self._as_owned(found), offset_bytes, request)

    async def _patch(self, upload: Upload, offset_bytes: int, request: Request) -> Reply:
        if upload.offset_bytes != offset_bytes:
            raise OffsetConflictError(upload.offset_bytes, offset_bytes)
        if upload.state == "complete":
            return _patched_again(upload, request)
        upload = await self.take(await self._with_length(upload, request.headers), request)
        return Reply(204, progress(upload))

    async def take(self, upload: Upload, request: Request) -> Upload:
        """Store a request's body behind what the upload has. Raises ProblemError."""
        with self.admit(upload, request) as checksum:
            return await self.intake.receive(upload, request.body, checksum, begin_trace(request.id))

    @contextmanager
    def admit(self, upload: Upload, request: Request) -> Iterator[Checksum | None]:
        """Hold the memory that a request's body needs, and yield what it promises of its bytes.

        Raises ProblemError for all that can be refused before a byte is read.
        """
        room = room_bytes(upload, self.intake.config.max_upload_bytes)
        declared = request.body.declared_bytes
        if declared is not None and declared > room:
            raise ProblemError("too_large", f"There is room for {room} more bytes.")
        checksum = find_checksum(request.headers.get("upload-checksum"))
        segment = min(self.intake.config.segment_bytes, room, room if declared is None else declared)
        network = client_network(self.intake.config, request)
        with self.budget.reserve(2 * segment, request.body, upload.user_id, network):
            yield checksum

    async def give_up(self, request: Request) -> Reply:
        """Answer DELETE. Raises ProblemError."""
        tus.require_version(request.headers)
        upload = await self._find(request)
        with asking_as(Asking(user_id=upload.user_id)):
            is_given_up = await self.intake.uploads.terminate(upload.id)
        if not is_given_up:
            raise ProblemError("conflict", _STAYS_PART if upload.partial else _STAYS_WHOLE)
        return Reply(204)

    async def _find(self, request: Request) -> Upload:
        """Return the upload of the URL. Raises ProblemError 404 or 410."""
        upload_id = find_upload_id(self.intake.config, request.values["token"])
        if upload_id is None:
            raise ProblemError("not_found", "There is no such upload.")
        request.notes["upload_id"] = str(upload_id)
        with asking_as(Asking(upload_id=upload_id)):
            upload = await self.intake.uploads.find(upload_id)
        if upload is None:
            raise ProblemError("not_found", "There is no such upload.")
        request.notes["user_id"] = str(upload.user_id)
        if upload.state in ("expired", "terminated") or self._is_late(upload):
            raise ProblemError("gone", "The upload has expired or was given up. Begin a new one.")
        if upload.video_id is not None:
            request.notes["video_id"] = str(upload.video_id)
        return upload

    async def _as_owned(self, upload: Upload) -> Upload:
        """Return an upload as its owner sees it: whoever holds the URL does not see a private video."""
        return (await self.intake.uploads.find(upload.id) or upload) if upload.video_id else upload

    def _is_late(self, upload: Upload) -> bool:
        return upload.state == "open" and upload.expires_at <= self.intake.now()

    async def _with_length(self, upload: Upload, headers: Mapping[str, str]) -> Upload:
        """Return the upload with the length that a PATCH may bring later. Raises ProblemError."""
        length_bytes = tus.find_bytes(headers, "Upload-Length")
        if length_bytes is None or length_bytes == upload.length_bytes:
            return upload
        if upload.length_bytes is not None or length_bytes < upload.offset_bytes:
            raise tus.bad_header("Upload-Length", "said once, and not less than what is here")
        require_size(length_bytes, self.intake.config.max_upload_bytes)
        try:
            quota = self.intake.config.quota
            return await self.intake.uploads.declare_length(upload.id, length_bytes, quota)
        except QuotaExceededError as error:
            raise quota_problem(error, self.intake.now()) from error
        except ValueError as error:  # another request brought more in between
            detail = "More bytes than that are here by now. Ask where the upload stands."
            raise ProblemError("conflict", detail) from error

    def _description(self, upload: Upload) -> dict[str, str]:
        headers = {
            "Upload-Metadata": write_metadata({"filename": upload.filename, "filetype": upload.content_type})
        }
        if upload.partial:
            headers["Upload-Concat"] = "partial"
        elif parts := parts_of(upload):
            urls = (upload_url(self.intake.config, part) for part in parts)
            headers["Upload-Concat"] = f"final;{' '.join(urls)}"
        return headers


def progress(upload: Upload) -> dict[str, str]:
    """Return the headers that say where an upload stands."""
    headers = {"Upload-Offset": str(upload.offset_bytes)}
    if upload.length_bytes is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.length_bytes)
    if upload.state == "open":
        headers["Upload-Expires"] = tus.http_date(upload.expires_at)
    return headers


def require_size(length_bytes: int, max_upload_bytes: int) -> None:
    """Raise ProblemError 413 for an upload that is too large."""
    if length_bytes > max_upload_bytes:
        raise ProblemError("too_large", f"Uploads may have up to {max_upload_bytes} bytes.")


def _patched_again(upload: Upload, request: Request) -> Reply:
    """Answer a PATCH behind the last byte. tus: a final upload takes no PATCH at all, 403."""
    if request.body.declared_bytes != 0:
        raise ProblemError("forbidden", "The upload is complete.")
    return Reply(204, progress(upload))
