import itertools
import re
import time
from pathlib import Path

import av
import numpy as np
import pytest

from actors.engines.errors import BadMedia, Refusal
from actors.engines.packaging.image_track import is_told
from actors.engines.pictures.thumbnails import IllustrateRequest, Illustration, Illustrator
from actors.engines.pictures.thumbnails_job import illustrate
from tests.integration.engines.conftest import illustrated, probed
from tests.media_clips import BLUE, GREEN, RED, WHITE, Clip, Rgb, black_then_corners, flat

HEVC = {
    "codec": "libx265",
    "pix_fmt": "yuv420p10le",
    "codec_options": {"preset": "ultrafast", "x265-params": "log-level=none"},
}


def picture(path: Path) -> Rgb:
    with av.open(path) as container:
        return next(container.decode(container.streams.video[0])).to_ndarray(format="rgb24")


def near_corners(rgb: Rgb) -> list[tuple[int, ...]]:
    down, right = rgb.shape[0] // 10, rgb.shape[1] // 10
    return [tuple(rgb[y, x].astype(int)) for y in (down, -down) for x in (right, -right)]


def canvas_side(webp: bytes, at: int) -> int:
    """A side in the extended header of an animated WebP, which libav does not decode."""
    return int.from_bytes(webp[at : at + 3], "little") + 1


def is_upright(rgb: Rgb) -> bool:
    pairs = zip(near_corners(rgb), (RED, GREEN, BLUE, WHITE), strict=True)
    return all(np.abs(np.subtract(seen, painted)).max() < 30 for seen, painted in pairs)


@pytest.mark.parametrize("rotation_degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_every_picture_is_upright(tmp_path: Path, rotation_degrees: int, mirrored: bool) -> None:
    clip = Clip(size=(180, 320), rotation_degrees=rotation_degrees, mirrored=mirrored, audio_codec=None)
    made = illustrated(clip.write(tmp_path / "clip.mp4"), tmp_path / "out")
    keys = [*(poster.key for poster in made.posters), made.frames[0].key]
    assert all(is_upright(picture(tmp_path / "out" / key)) for key in keys)
    first_tile = picture(tmp_path / "out" / made.storyboard.sheet_keys[0])[
        : made.storyboard.tile_height_px, : made.storyboard.tile_width_px
    ]
    assert is_upright(first_tile)


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_becomes_standard(tmp_path: Path, transfer: int) -> None:
    clip = Clip(size=(320, 240), frames=5, color=(9, transfer, 9), audio_codec=None, **HEVC)  # type: ignore[arg-type]
    made = illustrated(clip.write(tmp_path / "clip.mp4"), tmp_path / "out")
    red, green, blue, white = near_corners(picture(tmp_path / "out" / made.posters[0].key))
    assert red[0] > 1.5 * max(red[1:])
    assert green[1] > 1.5 * max(green[0], green[2])
    assert blue[2] > 1.5 * max(blue[:2])
    assert min(white) > 200


def test_files_have_the_sizes_that_are_told(tmp_path: Path) -> None:
    path = Clip(size=(1280, 720), frames=10, audio_codec=None).write(tmp_path / "clip.mp4")
    made = illustrated(path, tmp_path / "out")
    for told in made.posters:
        seen = picture(tmp_path / "out" / told.key)
        assert (seen.shape[1], seen.shape[0]) == (told.width_px, told.height_px)
    assert [poster.width_px for poster in made.posters] == [320, 320, 640, 640, 1080, 1080]
    assert {poster.content_type for poster in made.posters} == {"image/jpeg", "image/webp"}


def test_a_small_clip_is_not_blown_up(tmp_path: Path) -> None:
    made = illustrated(Clip(size=(64, 48), frames=5).write(tmp_path / "clip.mp4"), tmp_path / "out")
    assert [(poster.width_px, poster.height_px) for poster in made.posters] == [(64, 48), (64, 48)]


def test_a_black_beginning_is_not_the_poster(tmp_path: Path) -> None:
    clip = Clip(frames=60, gop=60, paint=black_then_corners(30), audio_codec=None)
    made = illustrated(clip.write(tmp_path / "clip.mp4"), tmp_path / "out")
    assert made.poster_at_seconds >= 1.0
    assert is_upright(picture(tmp_path / "out" / made.posters[0].key))


def test_a_blank_clip_still_gets_its_pictures(tmp_path: Path) -> None:
    made = illustrated(Clip(paint=flat).write(tmp_path / "clip.mp4"), tmp_path / "out")
    assert len(made.frames) == 1
    assert made.frames[0].score < 0.05


def test_one_picture_is_enough(tmp_path: Path) -> None:
    made = illustrated(Clip(frames=1, audio_codec=None).write(tmp_path / "clip.mp4"), tmp_path / "out")
    assert len(made.frames) == 1
    assert len(made.storyboard.sheet_keys) == 1


def test_kept_frames_differ_and_come_best_first(tmp_path: Path) -> None:
    def shots(size: tuple[int, int], index: int) -> Rgb:
        rng = np.random.default_rng(index // 15)
        return np.kron(rng.integers(0, 255, (6, 8, 3), np.uint8), np.ones((20, 20, 1), np.uint8))

    made = illustrated(
        Clip(frames=120, paint=shots, audio_codec=None).write(tmp_path / "clip.mp4"), tmp_path / "out"
    )
    scores = [frame.score for frame in made.frames]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert len({int(frame.at_seconds * 2) for frame in made.frames}) == 5


def test_the_storyboard_map_points_into_its_sheets(tmp_path: Path) -> None:
    path = Clip(frames=60, audio_codec=None).write(tmp_path / "clip.mp4")
    made = illustrated(path, tmp_path / "out").storyboard
    text = (tmp_path / "out" / made.vtt_key).read_text()
    places = re.findall(r"^(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$", text, re.MULTILINE)
    assert len(places) == 4
    for name, left, top, width, height in places:
        sheet = picture(tmp_path / "out" / name)
        tile = sheet[int(top) : int(top) + int(height), int(left) : int(left) + int(width)]
        assert tile.shape[:2] == (made.tile_height_px, made.tile_width_px)
        assert is_upright(tile)


def test_a_preview_moves_and_is_small(tmp_path: Path) -> None:
    path = Clip(size=(640, 360), frames=90, audio_codec=None).write(tmp_path / "clip.mp4")
    made = illustrated(path, tmp_path / "out")
    assert made.preview is not None
    data = (tmp_path / "out" / made.preview.key).read_bytes()
    assert (canvas_side(data, 24), canvas_side(data, 27)) == (made.preview.width_px, made.preview.height_px)
    assert 2 <= data.count(b"ANMF") <= 24
    assert len(data) < 400_000


def test_a_storyboard_tells_all_that_a_track_of_pictures_needs(tmp_path: Path) -> None:
    board = illustrated(Clip(frames=60, audio_codec=None).write(tmp_path / "clip.mp4"), tmp_path).storyboard
    sizes = tuple((tmp_path / name).stat().st_size for name in board.sheet_keys)
    assert (board.columns, board.rows, board.sheet_sizes_bytes) == (5, 5, sizes)
    sheet = picture(tmp_path / board.sheet_keys[0])
    assert board.tiles == sheet.shape[1] // board.tile_width_px == 4
    assert is_told(board)


@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.flv", "clip.mov"])
def test_every_container_gets_all_its_tiles(tmp_path: Path, name: str) -> None:
    made = illustrated(Clip(frames=60, audio_codec=None).write(tmp_path / name), tmp_path / "out")
    sheet = picture(tmp_path / "out" / made.storyboard.sheet_keys[0])
    tile = made.storyboard.tile_width_px
    assert all(sheet[:, left : left + tile].std() > 20 for left in range(0, sheet.shape[1], tile))


def test_a_damaged_second_half_leaves_the_pictures_of_the_first(tmp_path: Path) -> None:
    clip = Clip(frames=60, audio_codec=None, options={"movflags": "faststart"})
    path = clip.write(tmp_path / "clip.mp4")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\xa5" * (len(data) - len(data) // 2))
    assert is_upright(picture(tmp_path / "out" / illustrated(path, tmp_path / "out").posters[0].key))


def test_a_clip_without_a_single_picture_is_refused(tmp_path: Path) -> None:
    path = Clip(audio_codec=None, options={"movflags": "faststart"}).write(tmp_path / "clip.mp4")
    metadata = probed(path).metadata
    data = path.read_bytes()
    media = data.index(b"mdat") + 4
    path.write_bytes(data[:media] + b"\xa5" * (len(data) - media))
    request = IllustrateRequest(path=str(path), metadata=metadata, out_dir=str(tmp_path))
    with pytest.raises(BadMedia) as error:
        illustrate(request, lambda fraction, note: None)
    assert error.value.code is Refusal.NO_FRAMES


def test_progress_grows_and_is_never_silent_for_long(tmp_path: Path) -> None:
    path = Clip(size=(1280, 720), frames=60, gop=60).write(tmp_path / "clip.mp4")
    metadata, heard = probed(path).metadata, [(time.monotonic(), 0.0)]
    (tmp_path / "out").mkdir()
    request = IllustrateRequest(path=str(path), metadata=metadata, out_dir=str(tmp_path / "out"))
    illustrate(request, lambda fraction, _: heard.append((time.monotonic(), fraction)))
    heard.append((time.monotonic(), 1.0))
    fractions = [fraction for _, fraction in heard]
    assert fractions == sorted(fractions)
    assert max(later[0] - earlier[0] for earlier, later in itertools.pairwise(heard)) < 1.0


@pytest.mark.asyncio(loop_scope="module")
async def test_the_adapter_illustrates_in_the_sandbox(illustrator: Illustrator, tmp_path: Path) -> None:
    path = Clip(size=(640, 360)).write(tmp_path / "clip.mp4")
    (tmp_path / "out").mkdir()
    heard: list[float] = []

    async def hear(fraction: float, _note: str) -> None:
        heard.append(fraction)

    made = await illustrator.illustrate(path, probed(path).metadata, tmp_path / "out", hear)
    assert isinstance(made, Illustration)
    assert is_upright(picture(tmp_path / "out" / made.posters[0].key))
    assert heard == sorted(heard)
    assert heard
