"""Where an object can be read as a file, and what becomes of objects whose video is gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from storage.errors import VideoGoneError
from storage.keys import video_prefix
from storage.ports import Objects


@asynccontextmanager
async def working_copy(
    objects: Objects, key: str, scratch: Path, alive: Callable[[], Awaitable[None]]
) -> AsyncIterator[Path]:
    """Give the path of a local file with the object's bytes, only for reading, until left.

    On local storage that is the object itself. Elsewhere it is fetched into `scratch` with flat memory,
    saying `alive` as it goes, and deleted on leaving. Raises ObjectMissingError.
    """
    where = objects.local_path(key)
    if where is not None:
        yield where
        return
    with TemporaryDirectory(dir=scratch) as directory:
        path = Path(directory) / key.rpartition("/")[2]
        with path.open("xb") as file:
            async for chunk in objects.stream(key):
                await asyncio.to_thread(file.write, chunk)
                await alive()
        yield path


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
