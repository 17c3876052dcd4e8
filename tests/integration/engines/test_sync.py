"""Sound and picture of what is made are as near to each other as libav shows them of the source."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from actors.engines.clip.source_frames import SourceFrames
from actors.engines.cmaf.boxes import split
from actors.engines.cmaf.remux import Remuxed, RemuxRequest
from actors.engines.cmaf.remux_job import remux
from actors.engines.sound.audio import SoundRequest
from actors.engines.sound.audio_job import encode_sound
from tests.cmaf_files import pictures, sound, stitched
from tests.sync_clips import FLASH_SECONDS, FPS, Film, Voice, click_seconds, flash_seconds

TOLERANCE_SECONDS = 0.025
B_FRAMES = (("preset", "veryfast"), ("bf", "3"), ("b_strategy", "0"), ("keyint", "30"))


def source_lag(path: Path) -> float:
    """By how much the click of the source is later than its flash, as libav decodes them."""
    data = path.read_bytes()
    return click_seconds(data) - flash_seconds(data)


def remuxed(path: Path, out_dir: Path) -> Remuxed:
    out_dir.mkdir()
    request = RemuxRequest(path=str(path), out_dir=str(out_dir), duration_seconds=6.0)
    return remux(request, lambda fraction, note: None)


def shown(data: bytes) -> list[int]:
    """When each picture is shown by the boxes alone, in order: what players of the web go by."""
    times = []
    for fragment in split(data)[1]:
        at = fragment.decode_time
        for sample in fragment.samples:
            times.append(at + sample.composition_offset)
            at += sample.duration
    return sorted(times)


def copied_flash(made: Any, out_dir: Path) -> float:
    data = stitched(out_dir, made)
    brightest = int(np.argmax([picture.mean() for picture in pictures(data)]))
    return shown(data)[brightest] / made.timescale


def copied_click(made: Any, out_dir: Path) -> float:
    samples = sound(stitched(out_dir, made.track))
    return (
        made.track.segments[0].time / made.track.timescale
        + int(np.abs(samples[0]).argmax()) / made.sample_rate_hz
    )


def encoded_flash(path: Path) -> float:
    """When the flash is shown on the timeline that rungs are encoded on: from the first picture on."""
    frames = SourceFrames(path, 10_000, lambda _: None)
    timed = frames.since(Fraction(0), frames.beginning())
    return float(max(timed, key=lambda one: one[1].to_ndarray(format="gray").mean())[0])


def encoded_click(path: Path, out_dir: Path) -> float:
    out_dir.mkdir()
    request = SoundRequest(path=str(path), out_dir=str(out_dir), duration_seconds=6.0)
    (made,) = encode_sound(request, lambda fraction, note: None).sounds
    return copied_click(made, out_dir)


EARLY = Voice(begin_seconds=-0.5)
SOURCES = {
    "plain.mp4": Film(),
    "reordered.mp4": Film(codec_options=B_FRAMES),
    "reordered.mkv": Film(codec_options=B_FRAMES),
    "reordered.flv": Film(codec_options=B_FRAMES),
    "late.ts": Film(codec_options=B_FRAMES, offset_seconds=1.4),
    "late.mp4": Film(codec_options=B_FRAMES, offset_seconds=1.4),
    "early.mkv": Film(voices=(EARLY,), offset_seconds=1.0),
    "early.mp4": Film(voices=(EARLY,), offset_seconds=1.0),
    "opus.mkv": Film(voices=(Voice(codec="libopus"),)),
    "opus.mp4": Film(voices=(Voice(codec="libopus"),)),
    "vorbis.mkv": Film(voices=(Voice(codec="libvorbis"),)),
    "mp3.mp4": Film(voices=(Voice(codec="libmp3lame"),)),
    "mp3.mkv": Film(voices=(Voice(codec="libmp3lame", rate=44_100),)),
    "mp3.avi": Film(voices=(Voice(codec="libmp3lame"),)),
    "slow.mp4": Film(voices=(Voice(rate=22_050, layout="mono"),)),
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if any(voice.codec not in av.codecs_available for voice in SOURCES[request.param].voices):
        pytest.skip("this libav has no such encoder")
    return SOURCES[request.param].write(tmp_path / request.param)


def test_the_flash_and_the_click_of_the_source_come_together(source: Path) -> None:
    assert source_lag(source) == pytest.approx(0, abs=0.05)


def test_what_is_copied_is_in_sync(source: Path, tmp_path: Path) -> None:
    made = remuxed(source, tmp_path / "out")
    assert made.unfit == ""
    flash = copied_flash(made.video, tmp_path / "out")
    assert flash == pytest.approx(FLASH_SECONDS, abs=1.1 / FPS)
    for one in made.sounds:
        lag = copied_click(one, tmp_path / "out") - flash
        assert lag == pytest.approx(source_lag(source), abs=TOLERANCE_SECONDS)


def test_what_is_encoded_is_in_sync(source: Path, tmp_path: Path) -> None:
    lag = encoded_click(source, tmp_path / "out") - encoded_flash(source)
    assert lag == pytest.approx(source_lag(source), abs=TOLERANCE_SECONDS)


@pytest.mark.parametrize("samples", [1_024, 2_112])
def test_priming_that_an_edit_hides_is_not_heard(tmp_path: Path, samples: int) -> None:
    path = Film().write(tmp_path / "a.mp4")
    data = path.read_bytes()
    at = data.rindex(b"elst") + 16  # version, flags, count, duration; then the time of the media
    assert int.from_bytes(data[at : at + 4]) == 1_024
    path.write_bytes(data[:at] + samples.to_bytes(4) + data[at + 4 :])
    lag = source_lag(path)
    assert lag == pytest.approx((1_024 - samples) / 48_000, abs=0.003)
    assert encoded_click(path, tmp_path / "encoded") - encoded_flash(path) == pytest.approx(lag, abs=0.005)
    made = remuxed(path, tmp_path / "copied")
    flash = copied_flash(made.video, tmp_path / "copied")
    assert copied_click(made.sounds[0], tmp_path / "copied") - flash == pytest.approx(lag, abs=0.005)
