import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from actors.uploader import Uploader
from storage.errors import VideoGoneError
from storage.keys import segment_key
from storage.records import LOCAL_USER_ID
from subjects.codec import seal
from subjects.message import Priority
from subjects.upload import COMPLETED, UploadCompleted
from subjects.video import DELETED, VideoDeleted, VideoRejected, VideoUploaded

VIDEO = UUID(int=1)
UPLOAD = UUID(int=2)
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + bytes(range(256)) * 40


async def arrived(objects: Any, data: bytes, *, pieces: int = 3, **said: Any) -> UploadCompleted:
    size = max(len(data) // pieces, 1)
    keys = []
    for offset in range(0, len(data), size):
        keys.append(segment_key(UPLOAD, offset, "n"))
        await objects.put(keys[-1], data[offset : offset + size])
    fields = {"size_bytes": len(data), "content_type": "video/mp4"} | said
    return UploadCompleted(
        video_id=VIDEO,
        upload_id=UPLOAD,
        segment_keys=tuple(keys),
        completed_at=datetime(2026, 3, 1, tzinfo=UTC),
        **fields,
    )


async def test_what_arrived_becomes_the_original(storage: Any, objects: Any, reports: Any) -> None:
    event = await arrived(objects, MP4)
    (said,) = await Uploader(objects, storage.videos).handle(event, reports.ctx)
    assert isinstance(said, VideoUploaded)
    assert said.sha256 == hashlib.sha256(MP4).hexdigest()
    assert said.content_type == "video/mp4"
    assert await objects.get(said.key) == MP4


async def test_staging_is_swept_after_promotion(storage: Any, objects: Any, reports: Any) -> None:
    event = await arrived(objects, MP4)
    await Uploader(objects, storage.videos).handle(event, reports.ctx)
    assert [key for key in objects.objects if key.startswith("staging/")] == []


async def test_a_redelivery_says_the_same_though_staging_is_gone(
    storage: Any, objects: Any, reports: Any
) -> None:
    event = await arrived(objects, MP4)
    actor = Uploader(objects, storage.videos)
    assert await actor.handle(event, reports.ctx) == await actor.handle(event, reports.ctx)


@pytest.mark.parametrize(
    ("data", "said", "code"),
    [
        (MP4, {"size_bytes": len(MP4) + 1}, "incomplete"),
        (MP4, {"sha256": "0" * 64}, "checksum_mismatch"),
        (b"<html>no clip</html>" * 50, {}, "not_media"),
        (b"", {}, "empty"),
    ],
)
async def test_what_is_not_as_promised_is_rejected_and_never_kept(
    storage: Any, objects: Any, reports: Any, data: bytes, said: dict[str, Any], code: str
) -> None:
    event = await arrived(objects, data, **said)
    (answer,) = await Uploader(objects, storage.videos).handle(event, reports.ctx)
    assert isinstance(answer, VideoRejected)
    assert answer.code == code
    assert objects.objects == {}
    assert (await storage.videos.load(VIDEO)).status == "rejected"


async def test_a_rejection_is_repeated_on_redelivery(storage: Any, objects: Any, reports: Any) -> None:
    event = await arrived(objects, MP4, sha256="0" * 64)
    actor = Uploader(objects, storage.videos)
    assert await actor.handle(event, reports.ctx) == await actor.handle(event, reports.ctx)


async def test_an_upper_case_promise_of_the_hash_is_kept(storage: Any, objects: Any, reports: Any) -> None:
    event = await arrived(objects, MP4, sha256=hashlib.sha256(MP4).hexdigest().upper())
    (said,) = await Uploader(objects, storage.videos).handle(event, reports.ctx)
    assert isinstance(said, VideoUploaded)


async def test_nothing_is_left_of_a_video_deleted_while_it_was_promoted(
    storage: Any, objects: Any, reports: Any
) -> None:
    event = await arrived(objects, MP4)

    class Deleting(type(storage.videos)):  # type: ignore[misc]
        async def record_original(self, video_id: UUID, original: Any) -> Any:
            farewell = seal(VideoDeleted(video_id=video_id), message_id="d", priority=Priority.NORMAL)
            assert farewell.subject.startswith(DELETED.name)
            await storage.videos.remove(video_id, LOCAL_USER_ID, farewell)
            return await super().record_original(video_id, original)

    with pytest.raises(VideoGoneError):
        await Uploader(objects, Deleting(storage.videos.state)).handle(event, reports.ctx)
    assert [key for key in objects.objects if key.startswith("videos/")] == []


async def test_progress_is_a_sign_of_life_for_every_chunk(storage: Any, objects: Any, reports: Any) -> None:
    event = await arrived(objects, MP4, pieces=5)
    await Uploader(objects, storage.videos).handle(event, reports.ctx)
    assert reports.extended >= 5
    assert COMPLETED.message is UploadCompleted
