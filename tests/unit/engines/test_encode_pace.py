"""How slow an encoder may be."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from actors.engines.ladder.encode_pace import encoding_seconds, silent_seconds
from subjects.media import Rung

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
RUNG = Rung(name="720p-h264", codec="h264", width_px=1280, height_px=720, bitrate_bps=2_800_000)
MEASURED = [
    ("h264", "veryslow", 7.1),
    ("hevc", "medium", 12.5),
    ("hevc", "slower", 0.8),
    ("hevc", "veryslow", 0.4),
]
"""Megapixels per second of processor time."""


@pytest.mark.parametrize(("codec", "preset", "megapixels"), MEASURED)
def test_what_was_measured_fits_four_times(codec: str, preset: str, megapixels: float) -> None:
    frames = 480
    took = 1280 * 720 * frames / (megapixels * 1e6)
    assert encoding_seconds([replace(RUNG, codec=codec)], preset, frames) >= 4 * took


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
def test_a_slower_preset_never_gets_less_time(codec: str) -> None:
    given = [encoding_seconds([replace(RUNG, codec=codec)], preset, 480) for preset in PRESETS]
    assert all(quick <= slow for quick, slow in pairwise(given))
    assert given[0] >= 1280 * 720 * 480 / 8e6


def test_rungs_take_their_time_one_after_the_other() -> None:
    hevc = replace(RUNG, codec="hevc")
    both = encoding_seconds([RUNG, hevc], "slow", 100)
    assert both == encoding_seconds([RUNG], "slow", 100) + encoding_seconds([hevc], "slow", 100)


def test_what_is_not_known_is_as_slow_as_anything() -> None:
    slowest = max(encoding_seconds([replace(RUNG, codec=one)], "veryslow", 10) for one in ("hevc", "av1"))
    assert encoding_seconds([replace(RUNG, codec="vvc")], "placebo", 10) == slowest


def test_a_heavy_picture_may_be_thought_about_in_silence_but_not_for_ever() -> None:
    large = replace(RUNG, codec="hevc", width_px=3840, height_px=2160)
    assert silent_seconds([RUNG], "veryfast", 7.0) < 9.0
    assert silent_seconds([large], "slower", 7.0) > 60.0
    assert silent_seconds([large] * 9, "veryslow", 7.0) == 300.0
