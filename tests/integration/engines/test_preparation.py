"""What becomes of a source before anything is encoded, in real children."""

from pathlib import Path
from typing import Any

import pytest

from actors.engines.errors import BadMedia, JobKilled, Refusal
from actors.engines.ladder.preparation import Prepared, Preparer
from actors.engines.sandbox.sandbox import Sandbox
from tests.integration.engines.conftest import probed
from tests.media_clips import Clip, cut


def new(directory: Path) -> Path:
    directory.mkdir()
    return directory


async def prepared(sandbox: Any, path: Path, out_dir: Path, attempt: int = 1) -> Prepared:
    async def hear(fraction: float, note: str) -> None:
        assert 0.0 <= fraction <= 1.0

    return await Preparer(sandbox).prepare(path, probed(path).metadata, new(out_dir), attempt, hear)


async def test_a_clip_that_plays_is_packaged_with_its_sound(sandbox: Sandbox, tmp_path: Path) -> None:
    made = await prepared(sandbox, Clip(frames=90).write(tmp_path / "a.mp4"), tmp_path / "out")
    assert made.ladder.untouched
    assert made.source is not None
    assert made.source.frames == 90
    assert [one.track.rendition for one in made.sounds] == ["audio-original"]
    assert made.warnings == ()
    assert (tmp_path / "out" / "original" / "0.m4s").exists()


async def test_sound_that_does_not_play_everywhere_is_encoded(sandbox: Sandbox, tmp_path: Path) -> None:
    made = await prepared(sandbox, Clip(audio_codec="ac3").write(tmp_path / "a.mkv"), tmp_path / "out")
    assert made.source is not None
    assert made.source.sounds == ()
    assert [one.track.rendition for one in made.sounds] == ["audio-aac"]


async def test_a_silent_clip_has_no_sound(sandbox: Sandbox, tmp_path: Path) -> None:
    made = await prepared(sandbox, Clip(audio_codec=None).write(tmp_path / "a.mp4"), tmp_path / "out")
    assert made.source is not None
    assert (made.sounds, made.warnings) == ((), ())


async def test_a_clip_that_browsers_do_not_play_is_encoded(sandbox: Sandbox, tmp_path: Path) -> None:
    made = await prepared(sandbox, Clip(codec="mpeg4").write(tmp_path / "a.mp4"), tmp_path / "out")
    assert made.source is None
    assert made.ladder.first is not None
    assert made.sounds
    assert not (tmp_path / "out" / "original").exists()


class Failing:
    """The sandbox, in which one job always ends badly."""

    def __init__(self, sandbox: Sandbox, job: str, trouble: Exception) -> None:
        self.sandbox, self.job, self.trouble = sandbox, job, trouble

    async def run(self, job: str, *given: Any) -> Any:
        if self.job in job:
            raise self.trouble
        return await self.sandbox.run(job, *given)


async def test_a_source_that_cannot_be_cut_is_encoded(sandbox: Sandbox, tmp_path: Path) -> None:
    failing = Failing(sandbox, "remux_job", BadMedia(Refusal.DAMAGED))
    made = await prepared(failing, Clip().write(tmp_path / "a.mp4"), tmp_path / "out")
    assert made.source is None
    assert made.ladder.first is not None
    assert made.sounds
    assert made.warnings == ("source_encoded",)


async def test_a_sound_source_that_is_only_unfit_is_encoded_without_a_warning(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    clip = Clip(ticks=[*range(15), *range(16, 31)], format="avi", codec_options={"preset": "veryfast"})
    made = await prepared(sandbox, clip.write(tmp_path / "a.avi"), tmp_path / "out")
    assert made.ladder.first is not None
    assert (made.source, made.warnings) == (None, ())


async def test_sound_that_kills_every_child_is_left_out_on_the_third(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    failing = Failing(sandbox, "audio_job", JobKilled("SIGSEGV"))
    clip = Clip(codec="mpeg4").write(tmp_path / "a.mp4")
    for attempt in (1, 2):
        with pytest.raises(JobKilled):
            await prepared(failing, clip, tmp_path / str(attempt), attempt)
    made = await prepared(failing, clip, tmp_path / "3", 3)
    assert (made.sounds, made.warnings) == ((), ("sound_left_out",))
    assert made.ladder.rungs


async def test_a_picture_that_cannot_be_looked_into_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    whole = Clip().write(tmp_path / "a.mp4")
    metadata = probed(whole).metadata
    with pytest.raises(BadMedia):
        await Preparer(sandbox).prepare(cut(whole, 0.1), metadata, new(tmp_path / "out"), 1, _ignore)


async def _ignore(_fraction: float, _note: str) -> None:
    return None


async def test_a_few_large_pictures_hours_apart_are_refused_for_the_frames_between_them(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    clip = Clip(size=(7680, 4320), frames=3, ticks=[0, 30, 10_790 * 30], codec="mpeg4", audio_codec=None)
    with pytest.raises(BadMedia) as refused:
        await prepared(sandbox, clip.write(tmp_path / "a.mkv"), tmp_path / "out")
    assert refused.value.code == Refusal.TOO_MUCH_PICTURE
