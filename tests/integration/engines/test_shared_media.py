"""Real clips with oddities: what the engines make of each."""

from pathlib import Path

import pytest

from actors.engines.clip.probe import MediaProbe
from actors.engines.errors import BadMedia
from actors.engines.pictures.thumbnails import Illustrator
from subjects.media import Metadata
from tests.media_outcomes import EXPECTED, FOLDER

pytestmark = pytest.mark.asyncio(loop_scope="module")

READY = [name for name, outcome in EXPECTED.items() if " " in outcome]


def described(found: Metadata) -> str:
    size, turn = f"{found.width_px}x{found.height_px}", f"{found.rotation_degrees}{'m' * found.mirrored}"
    audio = found.audio.codec if found.audio else "-"
    hdr = f"{found.hdr or '-'}{'+dv' * found.dolby_vision}"
    return f"{size} {found.format} {found.codec} {found.fps:.0f} {turn} {hdr} {audio}"


def size_bytes(clip: Path) -> int:
    return clip.stat().st_size


@pytest.fixture
def clip(request: pytest.FixtureRequest) -> Path:
    path = FOLDER / str(request.param)
    if not path.exists():
        pytest.skip("the folder of collected clips is not here")
    return path


@pytest.mark.parametrize(
    ("clip", "expected"), EXPECTED.items(), indirect=["clip"], ids=[name.split("__")[-1] for name in EXPECTED]
)
async def test_each_clip_has_its_known_outcome(media_probe: MediaProbe, clip: Path, expected: str) -> None:
    try:
        found = described((await media_probe.probe(clip, size_bytes=size_bytes(clip))).metadata)
    except BadMedia as refused:
        found = refused.code
    assert found == expected


@pytest.mark.parametrize("clip", READY, indirect=True, ids=[name.split("__")[-1] for name in READY])
async def test_each_accepted_clip_gets_its_pictures(
    media_probe: MediaProbe, illustrator: Illustrator, clip: Path, tmp_path: Path
) -> None:
    metadata = (await media_probe.probe(clip, size_bytes=size_bytes(clip))).metadata
    made = await illustrator.illustrate(clip, metadata, tmp_path)
    keys = [*(poster.key for poster in made.posters), *made.storyboard.sheet_keys, made.storyboard.vtt_key]
    assert all(size_bytes(tmp_path / key) for key in keys)
    assert made.preview is not None
