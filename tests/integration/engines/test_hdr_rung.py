"""The rung of high dynamic range: what the source has in ten bits, beside what is tone mapped of it."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from msgspec.structs import replace

from actors.engines.clip.orientation import Orientation
from actors.engines.encoding.ladder_filter import LadderFilter
from actors.engines.encoding.mastering import Mastering, mastering_of
from actors.engines.encoding.picture_color import BT709
from subjects.media import Rung
from tests.cmaf_files import pictures, stitched
from tests.integration.engines.test_encode import encoded, is_upright, near_corners, rung, timeline
from tests.media_clips import Clip

GRADED = (
    "log-level=none:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)"
    "L(10000000,50):max-cll=1000,400"
)
TRANSFERS = {"PQ": 16, "HLG": 18, "SDR": 2}
CODECS = {
    ("hevc", "PQ"): "hvc1.2.4.L93.90",
    ("hevc", "HLG"): "hvc1.2.4.L93.90",
    ("av1", "PQ"): "av01.0.00M.10.0.110.09.16.09.0",
    ("av1", "HLG"): "av01.0.00M.10.0.110.09.18.09.0",
}


def source(path: Path, span: str, params: str = "log-level=none", **changes: Any) -> Path:
    options = {"preset": "ultrafast", "crf": "4", "x265-params": params}
    usual: dict[str, Any] = {"size": (320, 240), "frames": 12, "audio_codec": None} | changes
    color = (9, TRANSFERS[span], 9)
    clip = Clip(codec="libx265", pix_fmt="yuv420p10le", codec_options=options, color=color, **usual)
    return clip.write(path)


def deep(codec: str, span: Any, size: tuple[int, int] = (320, 240)) -> Rung:
    plain = rung(size, codec)
    return replace(plain, name=f"{plain.name}-{span.lower()}", bitrate_bps=6_000_000, video_range=span)


def frames_of(data: bytes) -> list[Any]:
    with av.open(io.BytesIO(data)) as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize(("codec", "span"), CODECS)
def test_its_values_and_tags_are_those_of_the_source(tmp_path: Path, codec: str, span: str) -> None:
    path, line = source(tmp_path / "a.mp4", span), timeline(12, chunk=20)
    (track,) = encoded(path, tmp_path / "out", line, deep(codec, span)).tracks
    assert track.codecs == CODECS[codec, span]
    made, wanted = frames_of(stitched(tmp_path / "out", track)), frames_of(path.read_bytes())
    assert len(made) == len(wanted)
    for one, other in zip(made, wanted, strict=True):
        assert (one.color_primaries, one.color_trc, one.colorspace) == (9, TRANSFERS[span], 9)
        assert (one.format.name, one.color_range) == ("yuv420p10le", 1)
        error = np.abs(one.to_ndarray().astype(int) - other.to_ndarray().astype(int))
        assert error[: one.height].mean() < 4  # of 1023


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_how_it_was_mastered_is_told_on(tmp_path: Path, codec: str) -> None:
    path = source(tmp_path / "a.mp4", "PQ", GRADED)
    (track,) = encoded(path, tmp_path / "out", timeline(12, chunk=20), deep(codec, "PQ")).tracks
    told = mastering_of(frames_of(stitched(tmp_path / "out", track))[0])
    assert told is not None
    assert told.light_cd_m2 == (1000, 400)
    wanted = [0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329, 0.005, 1000]
    assert [float(one) for one in told.display] == pytest.approx(wanted, rel=0.03, abs=1e-4)


def test_what_is_not_told_of_is_not_made_up(tmp_path: Path) -> None:
    path = source(tmp_path / "a.mp4", "HLG")
    assert mastering_of(frames_of(path.read_bytes())[0]) is None
    assert (Mastering().x265_params, Mastering().svt_params) == ("", "")


def test_the_rungs_of_standard_range_are_what_they_are_without_it(tmp_path: Path) -> None:
    frame = frames_of(source(tmp_path / "a.mp4", "HLG").read_bytes())[0]
    sizes = [(320, 240), (160, 120)]
    alone = LadderFilter(sizes, Orientation(0, mirrored=False), BT709, tmp_path)
    beside = LadderFilter(sizes, Orientation(0, mirrored=False), BT709, tmp_path, deep_sizes=[(320, 240)])
    *plain, deep_picture = beside.pictures(frame, 0)
    assert deep_picture.format.name == "yuv420p10le"
    for one, other in zip(alone.pictures(frame, 0), plain, strict=True):
        assert one.format.name == "yuv420p"
        assert (one.to_ndarray() == other.to_ndarray()).all()


def test_it_is_upright(tmp_path: Path) -> None:
    path = source(tmp_path / "a.mp4", "HLG", size=(180, 320), frames=3, rotation_degrees=90)
    (track,) = encoded(path, tmp_path / "out", timeline(3), deep("hevc", "HLG", (180, 320))).tracks
    (first, *_) = frames_of(stitched(tmp_path / "out", track))
    rgb = first.to_ndarray(format="rgb24", src_colorspace="ITU709")
    assert rgb.shape == (320, 180, 3)
    red, green, blue, white = near_corners(rgb)
    assert red[0] > 1.5 * max(red[1:])
    assert green[1] > max(green[0], green[2])
    assert blue[2] > 1.5 * max(blue[:2])
    assert min(white) > 150


def test_a_large_rung_of_a_second_codec_is_as_sharp_as_the_first(tmp_path: Path) -> None:
    path = Clip(size=(320, 240), frames=4, audio_codec=None).write(tmp_path / "a.mp4")
    order = (rung((320, 240)), rung((80, 60)), rung((320, 240), "hevc"))
    first, _, second = encoded(path, tmp_path / "out", timeline(4), *order).tracks
    one, other = (pictures(stitched(tmp_path / "out", track))[0].astype(int) for track in (first, second))
    assert is_upright(other)
    assert np.abs(one - other).mean() < 6
