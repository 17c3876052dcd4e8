"""What actors and the gateway may ask of storage.

Each docstring is the contract; adapters and their twins are held to it by `tests/contract/`.

Every method may raise StorageUnavailableError. Writes are idempotent unless a docstring says otherwise:
a caller that does not know whether it was heard repeats itself.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from storage.identity_records import UploadQuota
from storage.records import (
    Answer,
    Claim,
    Illustration,
    NewUpload,
    NewVideo,
    ObjectInfo,
    Original,
    OutboxLine,
    Segment,
    StageState,
    Upload,
    Video,
    VideoChanges,
    VideoQuery,
)
from subjects.codec import Envelope
from subjects.media import Location, Metadata


class Videos(Protocol):
    """The aggregate of a video: what its owner said and what actors derived."""

    async def create(self, video: NewVideo, upload: NewUpload, quota: UploadQuota | None = None) -> None:
        """Keep the intent and its upload in one transaction. A known video id changes nothing.

        Counts one upload and its bytes, or `deferred_bytes` while its length is unknown, against the owner's
        day: the UTC day of `created_at`, also without a quota. Raises QuotaExceededError, having kept
        nothing; so does a closed account, which may announce nothing. A final upload of partial ones has its
        place kept by this: it counts as one, and its bytes not again.
        """

    async def find(self, video_id: UUID, viewer_id: UUID) -> Video | None:
        """Return a video the viewer may see: their own, or one that is public or unlisted."""

    async def page(
        self, query: VideoQuery, viewer_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Video]:
        """Return up to `limit` videos, newest first, older than the (created_at, id) `before`.

        Lists public ones and the viewer's own; unlisted ones of others never.
        """

    async def edit(self, video_id: UUID, owner_id: UUID, changes: VideoChanges) -> Video | None:
        """Apply an owner's changes and return the video; None when there is none of theirs.

        A location an owner spoke of, also to clear it, is never filled in by an actor.
        """

    async def remove(self, video_id: UUID, owner_id: UUID, announce: Envelope) -> bool:
        """Delete every row of a video and promise `announce`, in one transaction.

        Its uploads are terminated and lose their video; `Uploads.expire` returns them to be swept.
        False when the owner has no such video: then nothing is promised.
        """

    async def reopen(self, video_id: UUID, owner_id: UUID) -> tuple[str, ...] | None:
        """Make failed stages pending and the video `processing`, or `playable` when it has a package.

        Returns the names of those stages in journey order.

        None when the owner has no such video; empty when nothing failed, or the video was rejected for good.
        """

    async def load(self, video_id: UUID) -> Video:
        """Return a video for an actor, whoever owns it. Raises VideoGoneError."""

    async def record_original(self, video_id: UUID, original: Original) -> Original:
        """Keep what the uploader stored and make a waiting or failed video `processing`.

        The first record wins: a repetition returns what is already there. `duplicate_of` is found here,
        whatever was given. Raises VideoGoneError.
        """

    async def record_probe(
        self, video_id: UUID, metadata: Metadata, location: Location | None, recorded_at: datetime | None
    ) -> Video:
        """Keep what the prober learned and return the video.

        What the owner said about place and time stays. Raises VideoGoneError.
        """

    async def record_illustration(self, video_id: UUID, illustration: Illustration) -> None:
        """Keep the pictures, in place of earlier ones. Raises VideoGoneError."""

    async def reject(self, video_id: UUID, stage: str, code: str, detail: str) -> None:
        """Make the video `rejected` and the stage `failed`, for good: the first rejection stands.

        Raises VideoGoneError.
        """

    async def finish(self, video_id: UUID) -> None:
        """Make the video `ready`, unless it was rejected. Raises VideoGoneError."""


class Stages(Protocol):
    """Where each stage of each video stands. Written by the runtime, never by an actor."""

    async def settle(
        self, video_id: UUID, stage: str, state: StageState, attempt: int, error: str | None
    ) -> bool:
        """Keep the outcome of a stage; `failed` makes the video `failed` unless it was rejected.

        False when it changes nothing: the video is gone, the stage rejected it, or a late failure comes
        after `done` or `skipped`. A name outside the journey has no row of its own, but its failure fails
        the video unless that is ready or rejected.
        """


class Uploads(Protocol):
    """tus uploads: what was promised, what has arrived, and where it lies."""

    async def create(self, upload: NewUpload, quota: UploadQuota | None = None) -> None:
        """Keep a new upload. A known id changes nothing. Raises VideoGoneError.

        Counts against the user's day as `Videos.create` does: partial uploads, too, are each one upload.
        Raises QuotaExceededError, having kept nothing.
        """

    async def find(self, upload_id: UUID) -> Upload | None:
        """Return an upload in whatever state, or None."""

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Upload]:
        """Return up to `limit` of a user's uploads without their segments, the oldest id first."""

    async def declare_length(
        self, upload_id: UUID, length_bytes: int, quota: UploadQuota | None = None
    ) -> Upload:
        """Set the length a client deferred. Raises UploadClosedError when it is set to another already.

        Its bytes count now in place of what was reserved, on the day on which the upload was created.
        ValueError when more bytes than that are here, QuotaExceededError when the user has announced too
        many: then it stays deferred.
        """

    async def append(
        self,
        upload_id: UUID,
        offset_bytes: int,
        segments: Sequence[Segment],
        announce: Envelope | None,
        expires_at: datetime,
    ) -> Upload:
        """Add durable segments at `offset_bytes` and move the expiry, in one transaction; all or none.

        With `announce` (given with the segments that bring the last byte, or with none once all are there)
        the upload becomes `complete` and the message is promised in the same transaction. A partial upload
        becomes `complete` with its last byte and needs no message. Not idempotent: a repetition raises
        OffsetConflictError, which says where the upload stands. Raises UploadClosedError, also for an
        unknown id, and ValueError for an empty segment, for bytes beyond the length, and for an `announce`
        before the last byte.
        """

    async def concatenate(self, final: NewUpload, partials: Sequence[UUID], announce: Envelope) -> Upload:
        """Make a complete upload out of complete partial ones of the same user, in order.

        The segments move, their objects stay where they are: the partials are `terminated`, and swept once
        the final one is. The final length is their sum, whatever was given. A known final id returns what
        it is. Counts nothing: its parts did. Raises UploadClosedError when one is not complete, not partial,
        already used or named twice, VideoGoneError when the video was deleted.
        """

    async def terminate(self, upload_id: UUID) -> bool:
        """Close an open upload at its client's wish, its staging to be swept. False when it is not open.

        Rejects a video that waited for it alone, with `upload_cancelled`, and promises `upload.expired`.
        """

    async def expire(self, now: datetime, limit: int) -> list[Upload]:
        """Close up to `limit` abandoned uploads and return up to `limit` whose staging is still to be swept.

        Abandoned: open, or partial and never used, and past their time. Closing rejects a waiting video
        that has no other good upload with `upload_expired`, and promises `upload.expired` when there is a
        video, in one transaction. Returned are also closed ones of earlier calls, those of deleted videos,
        and complete ones past their time whose bytes nobody needs any more (promoted or rejected), each
        until `swept` is said of it. Their bytes lie at `segments` and below their staging prefix.
        """

    async def swept(self, upload_ids: Sequence[UUID]) -> None:
        """Say that the staging of these uploads is empty: forget their segments."""


class Outbox(Protocol):
    """Messages promised in a transaction. Said at least once, then crossed out."""

    async def pending(self, limit: int, after_id: int = 0) -> list[OutboxLine]:
        """Return the oldest promised messages with an id above `after_id`, by id.

        Two relays may see the same: message ids make that safe. A line may still appear below one that was
        returned, when its transaction took longer: whoever reads on begins at 0 again in the end.
        """

    async def cross_out(self, ids: Sequence[int]) -> None:
        """Forget messages the bus has acknowledged."""


class Idempotency(Protocol):
    """Idempotency keys of POST requests, per user."""

    async def claim(self, user_id: UUID, key: str, fingerprint: str, resource_id: UUID) -> Claim:
        """Claim a key for a request whose method, path and body hash to `fingerprint`.

        `fresh`: go on, and make the resource under the returned id, which is `resource_id` or that of an
        earlier try that broke off (a claim without an answer lapses after `CLAIM_SECONDS`). `answered`:
        give that answer. `running`: another request holds it. `mismatch`: the key was used for another one.
        """

    async def answer(self, user_id: UUID, key: str, answer: Answer) -> None:
        """Keep the answer for the key, for 24 hours at least."""

    async def release(self, user_id: UUID, key: str) -> None:
        """Let go of a claim whose request failed and changed nothing."""


class Objects(Protocol):
    """Immutable objects by key. A key is visible whole or not at all.

    Every method raises ValueError for a key that `storage.keys` would not build.
    """

    async def put(self, key: str, data: bytes) -> None:
        """Store a small object, in place of any earlier one."""

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a stream of any length with flat memory and return its bytes.

        When `chunks` raises, nothing becomes visible and the error passes through.
        """

    async def put_file(self, key: str, path: Path) -> int:
        """Store a local file with flat memory and return its bytes."""

    async def get(self, key: str) -> bytes:
        """Return a small object. Raises ObjectMissingError."""

    def stream(self, key: str, start_bytes: int = 0, end_bytes: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from start up to, not including, end. Raises ObjectMissingError.

        ValueError for a range that does not lie within the object: ask `head` first.
        """

    async def head(self, key: str) -> ObjectInfo | None:
        """Return size, etag and time of an object, or None."""

    async def remove_prefix(self, prefix: str) -> int:
        """Delete every object below `prefix/` and return how many there were."""

    async def remove(self, keys: Sequence[str]) -> None:
        """Delete objects; missing ones are no error."""

    def local_path(self, key: str) -> Path | None:
        """Return where the object lies on this machine's disk, or None when storage is elsewhere.

        Only for reading. Raises ValueError for a key that would leave the store.
        """

    async def presign(self, key: str, seconds: float) -> str | None:
        """Return a URL that reads the object for `seconds`, or None when storage cannot make one."""

    async def ping(self) -> None:
        """Touch the store. Raises StorageUnavailableError."""


class Cache(Protocol):
    """Small values that may be lost at any time. Never raises: a cache that is gone is an empty one."""

    async def get(self, key: str) -> bytes | None:
        """Return a value, or None."""

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value for at most `seconds`."""

    async def forget(self, key: str) -> None:
        """Drop a value."""

    async def ping(self) -> None:
        """Touch the server. The one method that raises StorageUnavailableError."""


class Dependency(Protocol):
    """Something readiness asks after; Objects and Cache are such things too."""

    async def ping(self) -> None:
        """Ask for an answer. Raises StorageUnavailableError."""
