"""Damage that a container does not show."""

import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from actors.engines.clip.picture_check import Fault, find_fault
from tests.integration.engines.test_remux import remuxed
from tests.media_clips import Clip, in_a_row

B_FRAMES = {"preset": "veryfast", "bf": "3", "b_strategy": "0"}
LARGE = 1 << 26


def overwritten(path: Path, *numbers: int, size_bytes: int = 8) -> Path:
    """Overwrite bytes behind the header of some packets; the container stays as it is."""
    with av.open(path) as container:
        places = [(one.pos, one.size) for one in container.streams.video[0].index_entries]
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(7)
    for pos, size in (places[number] for number in numbers):
        start = pos + min(20, size // 2)
        data[start : min(pos + size, start + size_bytes)] = rng.bytes(min(size_bytes, pos + size - start))
    path.write_bytes(data)
    return path


def clip(path: Path, frames: int = 120, **changes: object) -> Path:
    usual = {"size": (320, 240), "gop": 30, "audio_codec": None, "codec_options": B_FRAMES} | changes
    return Clip(frames=frames, **usual).write(path)  # type: ignore[arg-type]


def found(path: Path, seconds: float, cpu_seconds: float = 60.0) -> Fault | None:
    return find_fault(path, LARGE, seconds, cpu_seconds, lambda: None)


@pytest.mark.parametrize("number", [1, 30, 61, 118])
def test_a_packet_that_was_overwritten_keeps_a_clip_from_being_packaged(tmp_path: Path, number: int) -> None:
    path = overwritten(clip(tmp_path / "a.mp4"), number)
    assert found(path, 4.0) is Fault.DAMAGED
    made = remuxed(path, tmp_path / "out")
    assert (made.unfit, made.video) == ("pictures are damaged", None)


PLAIN = Clip(size=(320, 240), audio_codec=None, gop=15)
LINES = {"preset": "ultrafast", "x264-params": "tff=1"}


def test_a_title_of_whole_pictures_does_not_hide_that_the_rest_is_interlaced(tmp_path: Path) -> None:
    path = in_a_row(tmp_path / "a.ts", PLAIN, replace(PLAIN, codec_options=LINES))
    assert found(path, 2.0) is Fault.INTERLACED
    assert remuxed(path, tmp_path / "out").unfit == "pictures are interlaced"


def test_pictures_of_another_size_are_no_one_rendition(tmp_path: Path) -> None:
    path = in_a_row(tmp_path / "a.ts", PLAIN, replace(PLAIN, size=(160, 120)))
    assert found(path, 2.0) is Fault.CHANGED
    assert remuxed(path, tmp_path / "out").unfit


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_clip_without_damage_has_none_wherever_one_begins(tmp_path: Path, name: str) -> None:
    options = {**B_FRAMES, "x264-params": "open-gop=1:keyint=30:min-keyint=30:scenecut=0"}
    path = clip(tmp_path / name, 240, codec_options=options)
    assert not found(path, 8.0)
    assert not found(path, 8.0, cpu_seconds=0.0)


def test_parts_of_a_long_clip_are_looked_at_up_to_its_end(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 360, gop=15)
    assert found(overwritten(path, *range(346, 360)), 12.0, cpu_seconds=0.0) is None  # one picture of each
    assert found(overwritten(path, 330), 12.0, cpu_seconds=0.0) is Fault.DAMAGED


def test_looking_costs_no_more_than_it_may(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 300, size=(1280, 720), codec_options={"preset": "ultrafast"})
    started, ticks = time.process_time(), list[None]()
    assert not find_fault(path, LARGE, 10.0, 0.05, lambda: ticks.append(None))
    assert time.process_time() - started < 2.0
    assert len(ticks) < 300
