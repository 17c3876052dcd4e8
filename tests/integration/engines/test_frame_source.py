from pathlib import Path

import pytest

from actors.engines.clip.frame_source import samples, survey
from actors.engines.clip.media_file import open_media
from actors.engines.clip.sampling import Moment, Strategy, Survey
from tests.media_clips import Clip

MOMENTS = tuple(Moment(at) for at in (0.1, 0.6, 1.1, 1.6, 1.95))
LIMIT_PX = 1 << 20


def taken(path: Path, strategy: Strategy) -> list[tuple[float, float]]:
    """Each moment with the time of the frame that serves it."""
    with open_media(path, LIMIT_PX) as media:
        found = samples(media, MOMENTS, strategy, lambda _: None)
        return [(moment.at_seconds, round(at, 2)) for at, _, due in found for moment in due]


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        *((Strategy.KEY_FRAMES, f"clip.{kind}") for kind in ("mp4", "mkv", "ts", "flv", "mov")),
        *((Strategy.SEEK, f"clip.{kind}") for kind in ("mp4", "mkv", "flv", "mov")),
    ],
)
def test_key_frames_serve_the_moments_after_them(tmp_path: Path, name: str, strategy: Strategy) -> None:
    path = Clip(frames=60, gop=15, audio_codec=None).write(tmp_path / name)
    served = taken(path, strategy)
    assert [moment for moment, _ in served] == [moment.at_seconds for moment in MOMENTS]
    assert all(moment - 0.65 < at <= moment + 0.1 for moment, at in served)


def test_a_jump_that_finds_no_key_frame_serves_nothing_and_the_others_still_do(tmp_path: Path) -> None:
    path = Clip(frames=60, gop=15, audio_codec=None).write(tmp_path / "clip.ts")  # it has no index
    served = [moment for moment, _ in taken(path, Strategy.SEEK)]
    assert served
    assert served == [moment.at_seconds for moment in MOMENTS][: len(served)]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_every_frame_serves_its_own_moment(tmp_path: Path, name: str) -> None:
    path = Clip(frames=60, gop=60, audio_codec=None).write(tmp_path / name)
    served = taken(path, Strategy.EVERY_FRAME)
    assert [moment for moment, _ in served] == [moment.at_seconds for moment in MOMENTS]
    assert all(abs(at - moment) <= 0.11 for moment, at in served)


def test_a_survey_finds_the_key_frames(tmp_path: Path) -> None:
    path = Clip(frames=60, gop=15, audio_codec=None).write(tmp_path / "clip.mp4")
    with open_media(path, LIMIT_PX) as media:
        assert survey(media, lambda _: None) == Survey((0.0, 0.5, 1.0, 1.5), 60)
