"""What becomes of objects whose video is gone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from storage.errors import VideoGoneError
from storage.keys import video_prefix
from storage.ports import Objects


@asynccontextmanager
async def no_orphans(objects: Objects, video_id: UUID) -> AsyncIterator[None]:
    """Erase what was written for a video that turns out to be gone, and let the error pass.

    The eraser may have come and gone before a late actor wrote. Every such actor notices on its next step,
    or on redelivery, that the video is gone; erasing here closes the gap.
    """
    try:
        yield
    except VideoGoneError:
        await objects.remove_prefix(video_prefix(video_id))
        raise
