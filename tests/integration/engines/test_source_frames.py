"""Frames from a moment on, of clips that make that hard."""

from fractions import Fraction
from pathlib import Path

from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.clip.source_frames import SourceFrames
from tests.media_clips import Clip, Size, in_a_row

MAX_PX = ProbeLimits().max_picture_px
SMALL = Clip(size=(64, 64), frames=10, audio_codec=None)


def sizes(path: Path) -> tuple[set[Size], int]:
    """Of all pictures, and how many packets were damaged."""
    source = SourceFrames(path, MAX_PX, lambda _: None)
    shown = {(frame.width, frame.height) for _, frame in source.since(Fraction(0), source.beginning())}
    return shown, source.damage.packets


def test_a_call_may_grow_to_what_screens_have(tmp_path: Path) -> None:
    large = Clip(size=(1280, 720), frames=5, audio_codec=None)
    assert sizes(in_a_row(tmp_path / "a.mkv", SMALL, large)) == ({(64, 64), (1280, 720)}, 0)


def test_pictures_that_grow_beyond_all_that_was_said_of_the_clip_are_damage(tmp_path: Path) -> None:
    huge = Clip(size=(2560, 1440), frames=5, audio_codec=None)
    shown, damaged = sizes(in_a_row(tmp_path / "a.mkv", SMALL, huge))
    assert shown == {(64, 64)}
    assert damaged > 0
    first = in_a_row(tmp_path / "b.mkv", huge, SMALL)
    assert sizes(first) == ({(64, 64), (2560, 1440)}, 0)


def test_the_key_frame_before_a_moment_is_found_in_a_stream_without_an_index(tmp_path: Path) -> None:
    rare = Clip(size=(64, 64), fps=5, frames=1000, gop=500, audio_codec=None)
    source = SourceFrames(rare.write(tmp_path / "a.ts"), MAX_PX, lambda _: None)
    first, _ = next(source.since(Fraction(170), source.beginning()))
    assert first == 100
