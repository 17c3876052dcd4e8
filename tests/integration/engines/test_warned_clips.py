"""Clips with something wrong in them, in real children: each plays to its end, and says what it was."""

from pathlib import Path

from actors.engines.encoding.encode import ChunkEncoder
from actors.engines.sandbox.sandbox import Sandbox
from subjects.warning import WarningCode
from tests.cmaf_files import pictures, stitched
from tests.integration.engines.conftest import probed
from tests.integration.engines.test_encode import rung, timeline
from tests.integration.engines.test_picture_check import clip, overwritten
from tests.integration.engines.test_preparation import new, prepared


async def test_a_clip_with_damaged_pictures_is_encoded_and_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    path = overwritten(clip(tmp_path / "a.mp4"), 30, size_bytes=60)
    made = await prepared(sandbox, path, tmp_path / "prepared")
    assert made.source is None
    assert made.warnings == ()
    out_dir = new(tmp_path / "out")
    rungs, line = (rung((320, 240)),), timeline(120, chunk=120)
    chunk = await ChunkEncoder(sandbox).encode(
        path, probed(path).metadata, line, rungs, first_frame=0, frames=120, out_dir=out_dir
    )
    assert chunk.warnings == (WarningCode.DAMAGED_PICTURES,)
    assert len(pictures(stitched(out_dir, chunk.tracks[0]))) == 120
