"""tus creation: POST /uploads makes a video's intent and the upload that its bytes will come to.

With `Upload-Concat: partial` only an upload, a piece of a `final` one, which brings no bytes of its own.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec.structs import asdict, replace

from gateway.config import GatewayConfig
from gateway.media import tus
from gateway.media.admission import Admission
from gateway.media.checksum import Checksum
from gateway.media.concatenation import Concatenation
from gateway.media.exchange import Reply, Request
from gateway.media.intent import new_upload, new_video
from gateway.media.metadata import Claims, read_claims
from gateway.media.uploads import UploadHandlers, progress, require_size
from gateway.problems import ProblemError, quota_problem
from gateway.signing import upload_url
from gateway.urgency import priority_of
from storage.asking import asking_as
from storage.errors import QuotaExceededError, StorageError
from storage.identity_records import UploadQuota
from storage.ports import Uploads, Videos
from storage.records import NewUpload, Upload
from subjects.trace import begin_trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """Makes uploads for whoever may."""

    config: GatewayConfig
    admission: Admission
    videos: Videos
    uploads: Uploads
    handlers: UploadHandlers
    concatenation: Concatenation
    now: Callable[[], datetime]

    async def create(self, request: Request) -> Reply:
        """Answer POST. Raises ProblemError."""
        tus.require_version(request.headers)
        caller = await self.admission.admit(request)
        with asking_as(caller.asking):
            try:
                upload = await self._make(request, caller.user_id)
            except QuotaExceededError as error:
                await self.admission.ask_again(request, caller)
                raise quota_problem(error, self.now()) from error
        request.notes["upload_id"] = str(upload.id)
        return Reply(201, {"Location": upload_url(self.config, upload.id), **progress(upload)})

    async def _make(self, request: Request, user_id: UUID) -> Upload:
        claims = read_claims(request.headers.get("upload-metadata", ""))
        kind, _, urls = request.headers.get("upload-concat", "").partition(";")
        match kind.strip():
            case "final":
                return await self.concatenation.join(request, user_id, claims, urls)
            case "" | "partial":
                return await self._open(request, user_id, claims, partial=bool(kind.strip()))
            case _:
                raise tus.bad_header("Upload-Concat", "partial, or final; and the URLs of its parts")

    async def _open(self, request: Request, user_id: UUID, claims: Claims, *, partial: bool) -> Upload:
        """Make an upload and take what bytes came along with it."""
        length_bytes = tus.find_length(request.headers)
        require_size(length_bytes or 0, self.config.max_upload_bytes)
        has_bytes = request.body.declared_bytes != 0
        if has_bytes:
            tus.require_body_type(request.headers)
        new = new_upload(self.config, user_id, claims, length_bytes, self.now())
        new = replace(new, video_id=None, partial=True) if partial else new
        upload = Upload(**asdict(new), priority=priority_of(length_bytes))
        if not has_bytes and length_bytes != 0:
            await self._keep(new, claims)
            return upload
        with self.handlers.admit(upload, request) as checksum:
            await self._keep(new, claims)
            return await self._receive(upload, request, checksum)

    async def _keep(self, new: NewUpload, claims: Claims) -> None:
        quota = self._quota()
        if new.video_id is None:
            await self.uploads.create(new, quota)
        else:
            await self.videos.create(new_video(new.video_id, new, claims), new, quota)

    def _quota(self) -> UploadQuota:
        """Return the limits of a day, in which an upload without a length takes as much as it may become."""
        quota = self.config.quota
        # At least a byte: else they would pass for nothing where nobody may upload any.
        most_bytes = max(1, min(quota.size_bytes, self.config.max_upload_bytes))
        return replace(quota, deferred_bytes=most_bytes)

    async def _receive(self, upload: Upload, request: Request, checksum: Checksum | None) -> Upload:
        """Take the bytes of a new upload. Refused, it is given up: nobody was told where it is."""
        try:
            return await self.handlers.intake.receive(upload, request.body, checksum, begin_trace(request.id))
        except (ProblemError, StorageError):
            with suppress(StorageError):  # then its time runs out
                await self.uploads.terminate(upload.id)
            raise
