"""Stores what a child wrote into a directory of ours, a few files at a time."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from actors.core.context import Context
from storage.ports import Objects

AT_ONCE: Final = 4
"""A bucket answers each request after tens of milliseconds, however small the file."""


async def store_files(
    objects: Objects, files: Iterable[tuple[str, Path]], ctx: Context, *, fraction: float, note: str
) -> None:
    """Store each file under its key. Safe to repeat; when it raises, some may be stored and some not."""
    waiting = iter(files)

    async def store() -> None:
        for key, path in waiting:
            await objects.put_file(key, path)
            await ctx.progress(fraction, note)

    stores = asyncio.gather(*(store() for _ in range(AT_ONCE)), return_exceptions=True)
    for failure in await ctx.during(stores):
        if failure is not None:
            raise failure
