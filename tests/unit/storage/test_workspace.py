import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage.errors import ObjectMissingError
from storage.workspace import Workspace

KEY, OTHER = "videos/1/original.mp4", "videos/2/original.mp4"


class Far:
    """Objects on another machine, which come in two pieces when they are let."""

    def __init__(self) -> None:
        self.streamed: list[str] = []
        self.let = asyncio.Event()
        self.let.set()
        self.trouble: Exception | None = None

    def local_path(self, key: str) -> Path | None:
        return None

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        self.streamed.append(key)
        yield b"one "
        await self.let.wait()
        if self.trouble:
            raise self.trouble
        yield b"two"


def in_scratch(scratch: Path) -> list[Path]:
    return [*scratch.iterdir()]


async def alive() -> None:
    """Nobody waits for this."""


@pytest.fixture
def far() -> Far:
    return Far()


def workspace_of(far: Far, scratch: Path, **kept: Any) -> Workspace:
    return Workspace(far, scratch, **kept)  # type: ignore[arg-type]


async def read(workspace: Workspace, key: str = KEY) -> bytes:
    async with workspace.copy_of(key, alive) as path:
        return path.read_bytes()


async def test_an_original_elsewhere_is_fetched_once_and_kept_for_the_next_reader(
    far: Far, tmp_path: Path
) -> None:
    workspace = workspace_of(far, tmp_path)
    assert [await read(workspace), await read(workspace)] == [b"one two", b"one two"]
    assert far.streamed == [KEY]


async def test_two_readers_at_the_same_time_wait_for_one_fetch(far: Far, tmp_path: Path) -> None:
    workspace = workspace_of(far, tmp_path)
    assert await asyncio.gather(read(workspace), read(workspace)) == [b"one two"] * 2
    assert far.streamed == [KEY]


async def test_who_waits_says_that_it_is_alive(far: Far, tmp_path: Path) -> None:
    workspace, said = workspace_of(far, tmp_path), 0
    far.let.clear()

    async def count() -> None:
        nonlocal said
        said += 1
        far.let.set()

    async with workspace.copy_of(KEY, count) as path:
        assert path.read_bytes() == b"one two"
    assert said >= 1


async def test_a_copy_that_nobody_reads_is_removed_after_a_while(far: Far, tmp_path: Path) -> None:
    workspace = workspace_of(far, tmp_path, kept_seconds=0.0)
    await read(workspace)
    while in_scratch(tmp_path):
        await asyncio.sleep(0)
    await read(workspace)
    assert far.streamed == [KEY, KEY]


async def test_copies_make_room_for_newer_ones_but_never_under_a_reader(far: Far, tmp_path: Path) -> None:
    workspace = workspace_of(far, tmp_path, kept_bytes=7)
    async with workspace.copy_of(KEY, alive) as path:
        await read(workspace, OTHER)
        assert path.read_bytes() == b"one two"
    assert len(in_scratch(tmp_path)) == 1
    await read(workspace)
    assert far.streamed == [KEY, OTHER]


async def test_a_fetch_that_fails_leaves_nothing_and_is_tried_again(far: Far, tmp_path: Path) -> None:
    workspace = workspace_of(far, tmp_path)
    far.trouble = ObjectMissingError(KEY)
    for _ in range(2):
        with pytest.raises(ObjectMissingError):
            await read(workspace)
        assert not in_scratch(tmp_path)
    far.trouble = None
    assert await read(workspace) == b"one two"


async def test_a_fetch_that_nobody_waits_for_any_more_is_given_up(far: Far, tmp_path: Path) -> None:
    workspace = workspace_of(far, tmp_path)
    far.let.clear()
    reader = asyncio.create_task(read(workspace))
    while not far.streamed:
        await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait({reader})
    assert reader.cancelled()
    assert not in_scratch(tmp_path)


async def test_a_folder_is_empty_and_goes_with_what_was_put_into_it(far: Far, tmp_path: Path) -> None:
    workspace = workspace_of(far, tmp_path)
    with workspace.folder() as folder:
        assert not in_scratch(folder)
        (folder / "segment.m4s").write_bytes(b"x")
    assert not in_scratch(tmp_path)
