"""Clips with several tracks of sound: each is heard in its language, in sync, and as loud."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.engines.ladder.preparation import Preparer
from actors.engines.sandbox.sandbox import Sandbox
from actors.engines.sound.audio import EncodedSounds, Sound, SoundRequest
from actors.engines.sound.audio_job import encode_sound
from actors.engines.sound.loudness import measured_lufs
from tests.cmaf_files import sound, stitched
from tests.integration.engines.conftest import probed
from tests.integration.engines.test_preparation import new
from tests.integration.engines.test_remux import remuxed
from tests.sync_clips import FLASH_SECONDS, Film, Voice, click_seconds, kill

ENGLISH, GERMAN = Voice(language="eng"), Voice(language="deu", title="Deutsch")
SYNC_SECONDS = 0.010


def encoded(path: Path, out_dir: Path, **more: Any) -> EncodedSounds:
    out_dir.mkdir(exist_ok=True)
    request = SoundRequest(path=str(path), out_dir=str(out_dir), duration_seconds=6.0, **more)
    return encode_sound(request, lambda fraction, note: None)


def clicked(made: Sound, out_dir: Path) -> float:
    """When a rendition's click is heard, by the sum of its samples and the time of its first segment."""
    samples = sound(stitched(out_dir, made.track))
    begin = made.track.segments[0].time / made.track.timescale
    return begin + int(np.abs(samples[0]).argmax()) / made.sample_rate_hz


def told(made: Sound) -> tuple[Any, ...]:
    return made.facts.rendition, made.facts.language, made.facts.label, made.default


def lufs(made: Sound, out_dir: Path) -> float:
    samples = sound(stitched(out_dir, made.track))
    measured = measured_lufs([samples], "mono" if samples.shape[0] == 1 else "stereo")
    assert measured is not None
    return measured


def test_two_languages_are_copied_and_in_sync(tmp_path: Path) -> None:
    path = Film(voices=(ENGLISH, GERMAN)).write(tmp_path / "a.mp4")
    made = remuxed(path, tmp_path / "out").sounds
    assert [told(one) for one in made] == [
        ("audio-original", "en", None, True),
        ("audio-original-2", "de", "Deutsch", False),
    ]
    for one in made:
        assert clicked(one, tmp_path / "out") == pytest.approx(FLASH_SECONDS, abs=SYNC_SECONDS)


def test_two_languages_are_encoded_in_sync_and_as_loud(tmp_path: Path) -> None:
    quiet = Voice(language="deu", level=0.04, codec="ac3")
    path = Film(voices=(Voice(language="eng", level=0.2, codec="ac3"), quiet)).write(tmp_path / "a.mkv")
    made = encoded(path, tmp_path / "out").sounds
    assert [told(one)[:2] for one in made] == [("audio-aac", "en"), ("audio-aac-2", "de")]
    for one in made:
        assert clicked(one, tmp_path / "out") == pytest.approx(FLASH_SECONDS, abs=SYNC_SECONDS)
    assert abs(made[0].gain_db - made[1].gain_db) > 3
    assert lufs(made[1], tmp_path / "out") == pytest.approx(lufs(made[0], tmp_path / "out"), abs=1.0)


async def test_what_cannot_be_copied_beside_a_copied_track_is_encoded_as_loud_as_that(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    loud = Voice(language="fra", codec="ac3", level=0.3)
    path = Film(voices=(Voice(language="eng", level=0.05), loud)).write(tmp_path / "a.mkv")
    made = await prepared(sandbox, path, tmp_path / "out")
    assert made.source is not None
    assert [told(one) for one in made.sounds] == [
        ("audio-original", "en", None, True),
        ("audio-aac-2", "fr", None, False),
    ]
    first, second = (lufs(one, tmp_path / "out") for one in made.sounds)
    assert second == pytest.approx(first, abs=1.0)
    assert made.warnings == ()


async def prepared(sandbox: Sandbox, path: Path, out_dir: Path) -> Any:
    async def hear(fraction: float, note: str) -> None:
        assert 0.0 <= fraction <= 1.0

    return await Preparer(sandbox).prepare(path, probed(path).metadata, new(out_dir), 1, hear)


@pytest.mark.parametrize(("dead", "left"), [(0, "de"), (1, "en")])
async def test_a_dead_track_is_left_out_and_the_other_is_heard(
    tmp_path: Path, sandbox: Sandbox, dead: int, left: str
) -> None:
    path = kill(Film(voices=(ENGLISH, GERMAN)).write(tmp_path / "a.mp4"), dead)
    made = await prepared(sandbox, path, tmp_path / "out")
    (heard,) = made.sounds
    assert (heard.facts.language, heard.default) == (left, True)
    assert heard.facts.rendition == ("audio-aac" if dead == 0 else "audio-original")
    assert made.warnings == ("sound_left_out",)


async def test_a_clip_of_which_nothing_can_be_heard_still_plays(tmp_path: Path, sandbox: Sandbox) -> None:
    made = await prepared(sandbox, kill(Film().write(tmp_path / "a.mp4"), 0), tmp_path / "out")
    assert made.source is not None
    assert (made.sounds, made.warnings) == ((), ("sound_left_out",))


@pytest.mark.parametrize("late", [0, 1])
def test_a_track_that_begins_late_or_ends_early_is_as_long_as_the_picture(tmp_path: Path, late: int) -> None:
    odd = Voice(language="deu", begin_seconds=1.0, end_seconds=3.5)
    voices = (odd, ENGLISH) if late == 0 else (ENGLISH, odd)
    path = Film(voices=voices).write(tmp_path / "a.mp4")
    copied = remuxed(path, tmp_path / "out").sounds
    assert [one.facts.language for one in copied] == ([] if late == 0 else ["en"])
    made = encoded(path, tmp_path / "out", copied=tuple(one.facts.index for one in copied)).sounds
    for one in (*copied, *made):
        assert one.track.segments[0].time == 0
        assert sum(piece.duration for piece in one.track.segments) / 48_000 == pytest.approx(6, abs=0.05)
        assert clicked(one, tmp_path / "out") == pytest.approx(FLASH_SECONDS, abs=SYNC_SECONDS)
    samples = sound(stitched(tmp_path / "out", (*made, *copied)[-1 if late == 0 and not made else 0].track))
    assert np.abs(samples[:, :47_000]).max() < 1e-3
    assert np.abs(samples[:, 175_000:]).max() < 1e-3


def test_mono_stays_mono_beside_surround(tmp_path: Path) -> None:
    voices = (Voice(layout="mono", codec="ac3"), Voice(layout="5.1", codec="ac3", bitrate_bps=384_000))
    made = encoded(Film(voices=voices).write(tmp_path / "a.mkv"), tmp_path / "out").sounds
    assert [one.channels for one in made] == [1, 2]
    for one in made:
        assert clicked(one, tmp_path / "out") == pytest.approx(FLASH_SECONDS, abs=SYNC_SECONDS)


def test_of_nine_tracks_four_are_heard(tmp_path: Path) -> None:
    voices = [Voice(codec="ac3", title=f"Voice {number}") for number in range(9)]
    made = encoded(Film(voices=voices).write(tmp_path / "a.mkv"), tmp_path / "out")
    assert [one.facts.label for one in made.sounds] == [f"Voice {number}" for number in range(4)]
    assert [one.facts.rendition for one in made.sounds] == [
        "audio-aac", "audio-aac-2", "audio-aac-3", "audio-aac-4",
    ]  # fmt: skip
    assert (made.left_out, made.dead) == (5, ())


@pytest.mark.parametrize("seconds", [0.5, 30.0])
def test_sound_of_another_length_than_the_picture_becomes_as_long(tmp_path: Path, seconds: float) -> None:
    voices = (Voice(codec="ac3", end_seconds=seconds),)
    (made,) = encoded(Film(voices=voices).write(tmp_path / "a.mkv"), tmp_path / "out").sounds
    assert sum(piece.duration for piece in made.track.segments) / 48_000 == pytest.approx(6, abs=0.05)


def test_the_click_of_the_source_is_where_the_clip_was_told_to_have_it(tmp_path: Path) -> None:
    path = Film(voices=(ENGLISH, GERMAN)).write(tmp_path / "a.mp4")
    for track in (0, 1):
        assert click_seconds(path.read_bytes(), track) == pytest.approx(FLASH_SECONDS, abs=SYNC_SECONDS)
