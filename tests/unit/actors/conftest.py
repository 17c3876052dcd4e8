from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from actors.core.context import Context
from storage.memory.objects import MemoryObjects
from storage.memory.storage import MemoryStorage
from storage.records import LOCAL_USER_ID, NewUpload, NewVideo
from subjects.message import Priority

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VIDEO = UUID(int=1)
UPLOAD = UUID(int=2)


class Reports:
    """A context that remembers what was reported."""

    def __init__(self, attempt: int = 1) -> None:
        self.fractions: list[float] = []
        self.renditions: list[dict[str, float]] = []
        self.extended = 0
        self.ctx = Context(VIDEO, Priority.NORMAL, attempt, self.extend, self.report)

    async def extend(self) -> None:
        self.extended += 1

    async def report(self, fraction: float, note: str, renditions: Mapping[str, float]) -> None:
        self.fractions.append(fraction)
        self.renditions.append({**renditions})


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
async def storage() -> MemoryStorage:
    return await new_storage()


async def new_storage() -> MemoryStorage:
    """A storage with one video that is being uploaded."""
    made = MemoryStorage(now=lambda: NOW)
    video = NewVideo(id=VIDEO, user_id=LOCAL_USER_ID, title="A clip", created_at=NOW)
    upload = NewUpload(
        id=UPLOAD,
        user_id=LOCAL_USER_ID,
        video_id=VIDEO,
        length_bytes=None,
        content_type="video/mp4",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    await made.videos.create(video, upload)
    return made
