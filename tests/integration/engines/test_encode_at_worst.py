"""What a chunk shows when its own pictures crash the decoder, and that nothing goes on for nobody."""

import asyncio
from pathlib import Path
from typing import Any, get_args

import av
import numpy as np
import psutil
import pytest

from actors.core.context import Context
from actors.core.wanted import while_wanted
from actors.engines.encoding.encode import ChunkEncoder, EncodeRequest, Shown
from actors.engines.encoding.encode_job import encode
from actors.engines.sandbox.sandbox import Sandbox
from storage.errors import VideoGoneError
from subjects.message import Priority
from subjects.warning import WarningCode
from subjects.work import HOUSE
from tests.cmaf_files import pictures, stitched
from tests.integration.engines.conftest import probed
from tests.integration.engines.test_encode import NUMBERED, number_in, rung, timeline
from tests.media_clips import Clip

SHOWN = get_args(Shown)


def shows(tmp_path: Path, shown: Shown, first: int) -> list[Any]:
    """The pictures of 20 frames, of which each says its number if it comes from the source."""
    path, out_dir = Clip(frames=60, audio_codec=None, **NUMBERED).write(tmp_path / "a.mp4"), tmp_path / "out"
    out_dir.mkdir()
    request = EncodeRequest(
        path=str(path),
        out_dir=str(out_dir),
        metadata=probed(path).metadata,
        timeline=timeline(60, chunk=20),
        rungs=(rung((288, 96)),),
        first_frame=first,
        frames=20,
        shown=shown,
    )
    (track,) = encode(request, lambda fraction, note: None).tracks
    found = pictures(stitched(out_dir, track))
    assert len(found) == 20
    return found


@pytest.mark.parametrize(("first", "number"), [(20, 19), (40, 39), (0, 0)])
def test_what_cannot_be_shown_is_the_last_picture_before_it(tmp_path: Path, first: int, number: int) -> None:
    assert {number_in(picture) for picture in shows(tmp_path, "before", first)} == {number}


def test_what_cannot_be_shown_at_all_is_black(tmp_path: Path) -> None:
    assert max(np.asarray(picture).max() for picture in shows(tmp_path, "black", 20)) < 8


def test_chunks_fit_together_whatever_they_show(tmp_path: Path) -> None:
    path = Clip(frames=60, audio_codec=None, **NUMBERED).write(tmp_path / "a.mp4")
    heads = set()
    for shown in SHOWN:
        (tmp_path / shown).mkdir()
        request = EncodeRequest(
            path=str(path),
            out_dir=str(tmp_path / shown),
            metadata=probed(path).metadata,
            timeline=timeline(60, chunk=20),
            rungs=(rung((288, 96)),),
            first_frame=20,
            frames=20,
            shown=shown,
        )
        heads |= {track.init_sha256 for track in encode(request, lambda fraction, note: None).tracks}
    assert len(heads) == 1


async def test_the_child_of_a_deleted_video_ends(sandbox: Sandbox, tmp_path: Path) -> None:
    """It would take minutes: a frame of this size at the slowest preset takes seconds."""
    path = Clip(frames=60, size=(1920, 1080), audio_codec=None).write(tmp_path / "a.mp4")
    encoding = asyncio.Event()

    async def hear(_: float, note: str) -> None:
        if note == "encoding":
            encoding.set()

    async def alive(*_: Any) -> None:
        return

    class Videos:
        async def load(self, video_id: Any) -> Any:
            if encoding.is_set():
                assert children()
                raise VideoGoneError(video_id)

    videos: Any = Videos()
    work = ChunkEncoder(sandbox).encode(
        path,
        probed(path).metadata,
        timeline(60, chunk=60),
        (rung((1920, 1080), "hevc"),),
        first_frame=0,
        frames=60,
        out_dir=tmp_path,
        preset="veryslow",
        on_progress=hear,
    )
    ctx = Context(HOUSE, Priority.NORMAL, 1, alive, alive)
    before = children()
    async with asyncio.timeout(30):
        with pytest.raises(VideoGoneError):
            await while_wanted(work, videos, ctx, 0.1)
    assert children() <= before, "it is gone when the error is heard of"


def children() -> set[int]:
    """The processes of this one that encode, or did: the forkserver's children."""
    servers = psutil.Process().children()
    return {child.pid for server in servers for child in server.children()}


async def test_a_stretch_of_which_nothing_decodes_costs_that_stretch_and_no_more(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Every packet of frames 40 to 79 is noise: the chunk in between shows the picture before it."""
    path = Clip(frames=120, gop=20, audio_codec=None, **NUMBERED).write(tmp_path / "a.mp4")
    metadata, line = probed(path).metadata, timeline(120, chunk=40)
    spoil(path, range(40, 80))
    seen = []
    for number in range(line.chunks):
        first, frames = line.chunk(number)
        out_dir = tmp_path / str(number)
        out_dir.mkdir()
        made = await ChunkEncoder(sandbox).encode(
            path,
            metadata,
            line,
            (rung((288, 96)),),
            first_frame=first,
            frames=frames,
            out_dir=out_dir,
        )
        seen.append([number_in(picture) for picture in pictures(stitched(out_dir, made.tracks[0]))])
        assert WarningCode.DAMAGED_PICTURES in made.warnings or number != 1
    assert seen[0] == [*range(40)]
    assert seen[1] == [39] * 40
    assert seen[2] == [*range(80, 120)]


def spoil(path: Path, frames: range) -> None:
    """Overwrite whole packets with what no decoder takes, and leave the index alone."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    places = sorted((packet.pos, packet.size) for packet in packets if packet.pts is not None)
    data = bytearray(path.read_bytes())
    for pos, size in [places[number] for number in frames]:
        data[pos : pos + size] = b"\xff" * size
    path.write_bytes(data)
