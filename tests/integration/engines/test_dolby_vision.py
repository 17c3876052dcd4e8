"""Clips whose base layer is in colours that only Dolby Vision knows."""

from pathlib import Path

import pytest

from actors.engines.clip.inspection import InspectRequest
from actors.engines.clip.inspection_job import inspect
from actors.engines.ladder.ladder import ladder_of
from actors.engines.ladder.policy import LadderPolicy
from actors.engines.ladder.preparation import Prepared
from actors.transcoder import warnings_of
from subjects.media import Metadata
from subjects.warning import WarningCode
from tests.integration.engines.conftest import probed
from tests.integration.engines.test_hdr_rung import source

LAYERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hev1")
LEVEL = 4


def configured(path: Path, profile: int, compatibility: int) -> Path:
    """Put a `dvcC` box behind what the sample entry of an MP4 holds: its header lies behind its pictures."""
    data = bytearray(path.read_bytes())
    flags = profile << 9 | LEVEL << 3 | 0b101
    body = bytes((1, 0)) + flags.to_bytes(2) + bytes((compatibility << 4,)) + bytes(19)
    box = (8 + len(body)).to_bytes(4) + b"dvcC" + body
    at = 0
    for layer in LAYERS:
        at = data.index(layer, at)
        size = int.from_bytes(data[at - 4 : at])
        data[at - 4 : at] = (size + len(box)).to_bytes(4)
    end = at - 4 + size
    path.write_bytes(data[:end] + box + data[end:])
    return path


def prepared(path: Path, metadata: Metadata) -> Prepared:
    facts = inspect(InspectRequest(path=str(path)), lambda fraction, note: None)
    return Prepared(ladder=ladder_of(metadata, facts, LadderPolicy(hdr="hevc")))


@pytest.mark.parametrize("tagged", ["SDR", "PQ"])
def test_profile_5_is_warned_of_and_gets_no_rung_of_high_range(tmp_path: Path, tagged: str) -> None:
    """However it is tagged: some packagers tag it PQ, others not at all."""
    path = configured(source(tmp_path / "a.mp4", tagged), profile=5, compatibility=0)
    metadata = probed(path).metadata
    assert (metadata.hdr, metadata.dolby_vision) == ("dolby_vision", True)
    made = prepared(path, metadata)
    assert {rung.video_range for rung in made.ladder.rungs} == {"SDR"}
    codes = [one.code for one in warnings_of(made, metadata)]
    assert codes == [WarningCode.DOLBY_VISION_BASE_LAYER]


def test_profile_8_is_what_its_base_layer_is(tmp_path: Path) -> None:
    path = configured(source(tmp_path / "a.mp4", "HLG"), profile=8, compatibility=4)
    metadata = probed(path).metadata
    assert (metadata.hdr, metadata.dolby_vision) == ("hlg", True)
    made = prepared(path, metadata)
    assert made.ladder.rungs[-1].video_range == "HLG"
    assert warnings_of(made, metadata) == ()
