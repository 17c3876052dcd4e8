"""Where an actor works on files: folders of its own, and originals as local files.

    async with workspace.copy_of(key, alive) as path: ...
    with workspace.folder() as out_dir: ...

Originals that lie elsewhere are fetched once for all who read them at the same time, and stay for a minute:
the stages of a video follow one another, and its chunks are encoded one by one from the same original.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final

from storage.ports import Objects

KEPT_SECONDS: Final = 60.0
"""How long a copy stays that nobody reads: a deleted video must not lie about."""
KEPT_BYTES: Final = 4 * 1024**3
"""Of all copies that nobody reads, but for the one that was left last: the next chunk of a large video is
likely to want it again. 0 keeps none."""
_ALIVE_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Copy:
    """One original here, or on its way."""

    path: Path
    """In a folder of its own."""
    fetching: asyncio.Task[None]
    readers: int = 0
    forgetting: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Workspace:
    """One process's place for files. What is in `scratch` when the process ends is its owner's to remove."""

    objects: Objects
    scratch: Path
    kept_seconds: float = KEPT_SECONDS
    kept_bytes: int = KEPT_BYTES
    _copies: dict[str, _Copy] = field(default_factory=dict, init=False)
    """By key; the one that was left last comes last."""

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Give an empty folder, removed with all that is in it on leaving."""
        with TemporaryDirectory(dir=self.scratch) as directory:
            yield Path(directory)

    @asynccontextmanager
    async def copy_of(self, key: str, alive: Callable[[], Awaitable[None]]) -> AsyncIterator[Path]:
        """Give the path of a local file with the object's bytes, only for reading, until left.

        On local storage that is the object itself. Elsewhere it is fetched with flat memory, while `alive` is
        called about once a second. The bytes under a key never change. Raises ObjectMissingError and whatever
        else `Objects.stream` does.
        """
        where = self.objects.local_path(key)
        if where is not None:
            yield where
            return
        copy = self._taken(key)
        try:
            while not copy.fetching.done():
                await asyncio.wait({copy.fetching}, timeout=_ALIVE_SECONDS)
                await alive()
            copy.fetching.result()
            yield copy.path
        finally:
            await self._left(key, copy)

    def _taken(self, key: str) -> _Copy:
        copy = self._copies.get(key)
        if copy is None:
            path = Path(mkdtemp(dir=self.scratch)) / key.rpartition("/")[2]
            copy = self._copies[key] = _Copy(path, asyncio.create_task(self._fetch(key, path)))
        if copy.forgetting is not None:
            copy.forgetting.cancel()
        copy.readers += 1
        return copy

    async def _fetch(self, key: str, path: Path) -> None:
        with path.open("xb") as file:
            async for chunk in self.objects.stream(key):
                await asyncio.to_thread(file.write, chunk)

    async def _left(self, key: str, copy: _Copy) -> None:
        copy.readers -= 1
        if copy.readers:
            return
        if not copy.fetching.done() or copy.fetching.cancelled() or copy.fetching.exception():
            await self._abandon(key, copy)
            return
        del self._copies[key]
        self._copies[key] = copy
        copy.forgetting = asyncio.get_running_loop().call_later(self.kept_seconds, self._forget, key)
        self._make_room()

    async def _abandon(self, key: str, copy: _Copy) -> None:
        """Give a copy up that never got whole."""
        del self._copies[key]
        copy.fetching.cancel()
        await asyncio.wait({copy.fetching})
        rmtree(copy.path.parent)

    def _make_room(self) -> None:
        idle = [key for key, copy in self._copies.items() if not copy.readers]
        sizes = {key: self._copies[key].path.stat().st_size for key in idle}
        held = sum(sizes.values())
        for key in idle[:-1] if self.kept_bytes else idle:
            if held > self.kept_bytes:
                self._forget(key)
                held -= sizes[key]

    def _forget(self, key: str) -> None:
        copy = self._copies.pop(key)
        if copy.forgetting is not None:
            copy.forgetting.cancel()
        rmtree(copy.path.parent)
