"""An object that was tampered with: its message is tried again, then buried, and nothing is made of it."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from actors.core.verdict import Bury, Later, judge
from actors.prober import Prober
from actors.uploader import Uploader
from storage.encrypted_objects import EncryptedObjects
from storage.errors import SealBrokenError
from storage.keys import original_key, segment_key
from storage.sealing import Vault
from storage.workspace import Workspace
from subjects.upload import UploadCompleted
from subjects.video import VideoUploaded
from tests.unit.actors.conftest import NOW

VIDEO = UUID(int=1)
UPLOAD = UUID(int=2)
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + bytes(range(256)) * 40
SEGMENTS = (segment_key(UPLOAD, 0, "n"), segment_key(UPLOAD, len(MP4), "n"))
COMPLETED = UploadCompleted(
    video_id=VIDEO,
    upload_id=UPLOAD,
    segment_keys=SEGMENTS,
    size_bytes=2 * len(MP4),
    content_type="video/mp4",
    completed_at=NOW,
)


class NoEngine:
    """Must not see what could not be opened."""

    async def probe(self, *_: Any, **__: Any) -> Any:
        raise AssertionError


@pytest.fixture
async def encrypted(objects: Any) -> EncryptedObjects:
    encrypted = EncryptedObjects.over(objects, Vault((b"m" * 32,)), "all")
    for key in (*SEGMENTS, original_key(VIDEO, "mp4")):
        await encrypted.put(key, MP4)
    return encrypted


def damage(objects: Any, key: str) -> None:
    stored, at = objects.objects[key]
    objects.objects[key] = (stored[:-1] + bytes([stored[-1] ^ 1]), at)


async def test_an_upload_in_encrypted_segments_becomes_an_encrypted_original(
    storage: Any, encrypted: Any, objects: Any, reports: Any
) -> None:
    (said,) = await Uploader(encrypted, storage.videos).handle(COMPLETED, reports.ctx)
    assert await encrypted.get(said.key) == MP4 * 2
    assert MP4[:32] not in objects.objects[said.key][0]


@pytest.mark.parametrize("broken", [0, 1])
async def test_a_tampered_segment_keeps_the_original_from_being_made(
    storage: Any, encrypted: Any, objects: Any, reports: Any, broken: int
) -> None:
    await objects.remove([original_key(VIDEO, "mp4")])
    damage(objects, SEGMENTS[broken])
    with pytest.raises(SealBrokenError):
        await Uploader(encrypted, storage.videos).handle(COMPLETED, reports.ctx)
    assert await objects.head(original_key(VIDEO, "mp4")) is None
    assert (await storage.videos.load(VIDEO)).original is None


async def test_a_tampered_original_never_reaches_the_engine(
    storage: Any, encrypted: Any, objects: Any, reports: Any, tmp_path: Path
) -> None:
    key = original_key(VIDEO, "mp4")
    damage(objects, key)
    event = VideoUploaded(
        video_id=VIDEO, key=key, size_bytes=len(MP4), sha256="0" * 64, content_type="video/mp4"
    )
    prober: Any = Prober(NoEngine(), storage.videos, Workspace(encrypted, tmp_path))  # type: ignore[arg-type]
    with pytest.raises(SealBrokenError):
        await prober.handle(event, reports.ctx)
    assert await asyncio.to_thread(lambda: [*tmp_path.iterdir()]) == []


def test_a_broken_seal_is_given_back_until_the_attempts_run_out() -> None:
    broken = SealBrokenError("tampered with")
    attempts = Uploader.delivery.max_deliver
    verdicts = [judge(broken, attempt, Uploader.delivery, 0.5) for attempt in range(1, attempts + 1)]
    assert {type(verdict) for verdict in verdicts[:-1]} == {Later}
    assert verdicts[-1] == Bury("out_of_attempts", "SealBrokenError: tampered with")
