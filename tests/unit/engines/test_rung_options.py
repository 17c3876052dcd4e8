"""What encoders are asked for."""

from itertools import pairwise
from typing import get_args, get_type_hints

import pytest

from actors.engines.encoding.rung_options import PRESETS, encoder_options
from deploy.settings import Settings
from subjects.media import Rung, Timeline

LINE = Timeline(fps_num=30, fps_den=1, frames=300, gop_frames=60, segment_frames=120, chunk_frames=480)


def options(codec: str, preset: str) -> dict[str, str]:
    rung = Rung(name=codec, codec=codec, width_px=640, height_px=360, bitrate_bps=800_000)
    return encoder_options(rung, LINE, preset)


@pytest.mark.parametrize(("codec", "speed"), [("av1", "preset"), ("vp9", "cpu-used")])
def test_a_slower_preset_is_never_faster_in_another_codec(codec: str, speed: str) -> None:
    speeds = [int(options(codec, preset)[speed]) for preset in PRESETS]
    assert all(slower <= faster for faster, slower in pairwise(speeds))
    assert options(codec, "medium")[speed] > options(codec, "slow")[speed] > options(codec, "veryslow")[speed]


def test_every_preset_that_can_be_set_is_one() -> None:
    assert set(get_args(get_type_hints(Settings)["encode_preset"])) == set(PRESETS)
