"""Work that takes minutes, and ends soon after nobody wants it any more."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from actors.core.context import Context
from storage.errors import StorageUnavailableError
from storage.ports import Videos

T = TypeVar("T")
LOOK_SECONDS: Final = 2.0
"""How often it is asked whether the video is still there, and a sign of life given."""


async def while_wanted(
    work: Coroutine[Any, Any, T], videos: Videos, ctx: Context, look_seconds: float = LOOK_SECONDS
) -> T:
    """Return what `work` returns; cancel it, and raise VideoGoneError, when its video is deleted.

    Gives signs of life meanwhile, so `work` must notice by itself when it hangs. It has come to its end,
    however that is, when this returns or raises.
    """
    doing = asyncio.create_task(work)
    try:
        while not (await asyncio.wait([doing], timeout=look_seconds))[0]:
            await ctx.extend()
            with suppress(StorageUnavailableError):  # nobody can say that it is gone
                await videos.load(ctx.video_id)
        return doing.result()
    finally:
        doing.cancel()
        await asyncio.wait([doing])
