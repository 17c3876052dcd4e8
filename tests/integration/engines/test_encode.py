import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from actors.engines.cmaf.boxes import split
from actors.engines.cmaf.track import Track
from actors.engines.encoding.encode import ChunkEncoder, EncodedFrames, EncodeRequest, limits_for
from actors.engines.encoding.encode_job import encode
from actors.engines.errors import BadMedia, Refusal
from actors.engines.sandbox.job_wire import Limits
from actors.engines.sandbox.sandbox import Sandbox
from subjects.media import Metadata, Rung, Timeline
from subjects.warning import WarningCode
from tests.cmaf_files import joined, pictures, shown_seconds, stitched
from tests.integration.engines.conftest import probed
from tests.media_clips import BLUE, GREEN, RED, WHITE, Clip, Rgb, Size, in_a_row
from tests.media_outcomes import EXPECTED, FOLDER

HEVC10 = {
    "codec": "libx265",
    "pix_fmt": "yuv420p10le",
    "codec_options": {"preset": "ultrafast", "x265-params": "log-level=none"},
}
B_FRAMES = {"preset": "veryfast", "bf": "3", "b_strategy": "0"}


def timeline(frames: int, fps: Fraction = Fraction(30), gop: int = 10, chunk: int = 40) -> Timeline:
    """Small groups, so that short clips have many."""
    return Timeline(
        fps_num=fps.numerator,
        fps_den=fps.denominator,
        frames=frames,
        gop_frames=gop,
        segment_frames=2 * gop,
        chunk_frames=chunk,
    )


def rung(size: Size, codec: str = "h264") -> Rung:
    return Rung(
        name=f"{min(size)}p-{codec}",
        codec=codec,
        width_px=size[0],
        height_px=size[1],
        bitrate_bps=400_000,
    )


def encoded(
    path: Path,
    out_dir: Path,
    line: Timeline,
    *rungs: Rung,
    first: int = 0,
    frames: int | None = None,
    metadata: Metadata | None = None,
) -> EncodedFrames:
    out_dir.mkdir(exist_ok=True)
    request = EncodeRequest(
        path=str(path),
        out_dir=str(out_dir),
        metadata=metadata or probed(path).metadata,
        timeline=line,
        rungs=rungs,
        first_frame=first,
        frames=line.frames if frames is None else frames,
    )
    return encode(request, lambda fraction, note: None)


def in_chunks(path: Path, out_dir: Path, line: Timeline, *rungs: Rung) -> list[Track]:
    made = []
    for number in range(line.chunks):
        first, frames = line.chunk(number)
        made.append(encoded(path, out_dir, line, *rungs, first=first, frames=frames).tracks)
    for tracks in zip(*made, strict=True):
        assert len({track.init_sha256 for track in tracks}) == 1
    return [joined(list(tracks)) for tracks in zip(*made, strict=True)]


def counter(size: Size, index: int) -> Rgb:
    """A picture that tells its number: nine squares, black or white."""
    picture = np.full((size[1], size[0], 3), 64, np.uint8)
    for bit in range(9):
        left = bit * size[0] // 9
        picture[:, left : left + size[0] // 9] = 235 if index >> bit & 1 else 16
    return picture


def number_in(picture: Any) -> int:
    height, width = picture.shape[:2]
    middles = [picture[height // 2, bit * width // 9 + width // 18].mean() for bit in range(9)]
    return sum(1 << bit for bit, level in enumerate(middles) if level > 128)


def numbers(data: bytes) -> list[int]:
    return [number_in(picture) for picture in pictures(data)]


NUMBERED: dict[str, Any] = {"size": (288, 96), "paint": counter}


def test_chunks_made_apart_hold_the_frames_of_one_run(tmp_path: Path) -> None:
    clip = Clip(frames=110, gop=37, audio_codec=None, codec_options=B_FRAMES, **NUMBERED)
    path, line = clip.write(tmp_path / "clip.mp4"), timeline(110)
    (whole,) = encoded(path, tmp_path / "whole", line, rung((288, 96))).tracks
    (pieces,) = in_chunks(path, tmp_path / "pieces", line, rung((288, 96)))
    one, many = stitched(tmp_path / "whole", whole), stitched(tmp_path / "pieces", pieces)
    assert [segment.time for segment in whole.segments] == [segment.time for segment in pieces.segments]
    assert shown_seconds(one) == shown_seconds(many) == [Fraction(n, 30) for n in range(110)]
    assert numbers(one) == numbers(many) == list(range(110))


@pytest.mark.parametrize("name", ["clip.mkv", "clip.ts", "clip.flv", "clip.mov"])
def test_every_container_is_sought_in_or_read_from_the_start(tmp_path: Path, name: str) -> None:
    clip = Clip(frames=110, gop=37, audio_codec=None, codec_options=B_FRAMES, **NUMBERED)
    path = clip.write(tmp_path / name)
    (track,) = in_chunks(path, tmp_path / "out", timeline(110), rung((288, 96)))
    assert numbers(stitched(tmp_path / "out", track)) == list(range(110))


def test_open_groups_lose_no_picture_at_a_chunk(tmp_path: Path) -> None:
    options = {**B_FRAMES, "x264-params": "open-gop=1:keyint=25:min-keyint=25:scenecut=0"}
    clip = Clip(frames=120, audio_codec=None, codec_options=options, **NUMBERED)
    path = clip.write(tmp_path / "clip.mkv")
    (track,) = in_chunks(path, tmp_path / "out", timeline(120), rung((288, 96)))
    assert numbers(stitched(tmp_path / "out", track)) == list(range(120))


def test_a_variable_rate_becomes_constant_on_the_grid(tmp_path: Path) -> None:
    ticks = [0, 1, 2, 10, 11, 30, 31, 32, 33, 60]
    clip = Clip(frames=10, ticks=ticks, audio_codec=None, gop=4, **NUMBERED)
    path, line = clip.write(tmp_path / "clip.mp4"), timeline(61, gop=10, chunk=20)
    (track,) = in_chunks(path, tmp_path / "out", line, rung((288, 96)))
    data = stitched(tmp_path / "out", track)
    expected = [max(place for place, tick in enumerate(ticks) if tick <= n) for n in range(61)]
    assert numbers(data) == expected
    assert shown_seconds(data) == [Fraction(n, 30) for n in range(61)]


def test_half_of_a_doubled_rate_is_every_other_frame(tmp_path: Path) -> None:
    path = Clip(frames=120, fps=120, audio_codec=None, **NUMBERED).write(tmp_path / "clip.mp4")
    line = timeline(60, Fraction(60), gop=10, chunk=20)
    (track,) = in_chunks(path, tmp_path / "out", line, rung((288, 96)))
    assert numbers(stitched(tmp_path / "out", track)) == list(range(0, 120, 2))


def test_a_clock_of_milliseconds_loses_no_picture(tmp_path: Path) -> None:
    path = Clip(frames=100, audio_codec=None, **NUMBERED).write(tmp_path / "clip.mkv")  # rounds 66.67 to 67
    (track,) = encoded(path, tmp_path / "out", timeline(100), rung((288, 96))).tracks
    assert numbers(stitched(tmp_path / "out", track)) == list(range(100))


def test_a_fractional_rate_keeps_its_exact_times(tmp_path: Path) -> None:
    path = Clip(frames=50, audio_codec=None).write(tmp_path / "clip.mp4")
    line = timeline(50, Fraction(30_000, 1001))
    (track,) = in_chunks(path, tmp_path / "out", line, rung((160, 120)))
    assert track.timescale == 30_000
    assert [segment.time for segment in track.segments] == [0, 20 * 1001, 40 * 1001]
    data = stitched(tmp_path / "out", track)
    assert shown_seconds(data) == [Fraction(n * 1001, 30_000) for n in range(50)]


def test_what_the_source_lacks_at_its_end_is_its_last_picture(tmp_path: Path) -> None:
    path = Clip(frames=30, audio_codec=None, **NUMBERED).write(tmp_path / "clip.mp4")
    (track,) = in_chunks(path, tmp_path / "out", timeline(50, chunk=20), rung((288, 96)))
    assert numbers(stitched(tmp_path / "out", track)) == [*range(30), *([29] * 20)]


def test_every_group_begins_with_the_only_key_frame_in_it(tmp_path: Path) -> None:
    path = Clip(frames=100, paint=lambda size, index: counter(size, index * 37)).write(tmp_path / "clip.mp4")
    (track,) = encoded(path, tmp_path / "out", timeline(100), rung((160, 120))).tracks
    _, fragments = split(stitched(tmp_path / "out", track))
    assert [one.duration for one in fragments] == [10] * 10
    assert [[sample.sync for sample in one.samples].count(True) for one in fragments] == [1] * 10
    assert all(one.samples[0].sync and one.samples[0].composition_offset == 0 for one in fragments)


def test_the_part_of_a_key_frame_decodes_by_itself(tmp_path: Path) -> None:
    path = Clip(frames=60, audio_codec=None, **NUMBERED).write(tmp_path / "clip.mp4")
    (track,) = encoded(path, tmp_path / "out", timeline(60), rung((288, 96))).tracks
    folder = tmp_path / "out" / track.rendition
    init, seen = (folder / "init.mp4").read_bytes(), []
    for segment in track.segments:
        body = (folder / f"{segment.time}.m4s").read_bytes()
        assert len(body) == segment.size_bytes
        for offset, size, time in segment.iframes:
            with av.open(io.BytesIO(init + body[offset : offset + size])) as container:
                packet = next(container.demux(video=0))
                (frame,) = [*packet.decode(), *container.streams.video[0].codec_context.decode(None)]
                seen.append((time, number_in(frame.to_ndarray(format="rgb24"))))
    assert seen == [(n, n) for n in range(0, 60, 10)]


def near_corners(rgb: Any) -> list[tuple[int, ...]]:
    down, right = rgb.shape[0] // 10, rgb.shape[1] // 10
    return [tuple(rgb[y, x].astype(int)) for y in (down, -down) for x in (right, -right)]


def is_upright(rgb: Any, tolerance: int = 40) -> bool:
    pairs = zip(near_corners(rgb), (RED, GREEN, BLUE, WHITE), strict=True)
    return all(np.abs(np.subtract(seen, painted)).max() < tolerance for seen, painted in pairs)


@pytest.mark.parametrize("rotation_degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_every_rung_is_upright(tmp_path: Path, rotation_degrees: int, mirrored: bool) -> None:
    clip = Clip(
        size=(180, 320), frames=4, rotation_degrees=rotation_degrees, mirrored=mirrored, audio_codec=None
    )
    path = clip.write(tmp_path / "clip.mp4")
    rungs = (rung((180, 320)), rung((90, 160)), rung((72, 128)))
    for track, wanted in zip(encoded(path, tmp_path / "out", timeline(4), *rungs).tracks, rungs, strict=True):
        seen = pictures(stitched(tmp_path / "out", track))
        assert [picture.shape for picture in seen] == [(wanted.height_px, wanted.width_px, 3)] * 4
        assert is_upright(seen[0])


@pytest.mark.parametrize(("changes", "size"), [
    ({"size": (161, 121), "codec": "mjpeg", "pix_fmt": "yuvj444p"}, (160, 120)),
    ({"size": (160, 120), "pixel_aspect": Fraction(4, 3)}, (214, 120)),
    ({"size": (160, 120), "pix_fmt": "yuv422p"}, (160, 120)),
    ({"size": (160, 120), "color": (5, 6, 5)}, (160, 120)),
    ({"size": (160, 120), "codec": "mjpeg", "pix_fmt": "yuvj420p"}, (160, 120)),
    ({"size": (160, 120), **HEVC10}, (160, 120)),
    ({"size": (1280, 720)}, (426, 240)),
])  # fmt: skip
def test_odd_sources_become_plain_pictures(tmp_path: Path, changes: dict[str, Any], size: Size) -> None:
    path = Clip(frames=4, audio_codec=None, **changes).write(tmp_path / "clip.mov")
    (track,) = encoded(path, tmp_path / "out", timeline(4), rung(size)).tracks
    data = stitched(tmp_path / "out", track)
    with av.open(io.BytesIO(data)) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height, context.pix_fmt) == (*size, "yuv420p")
        assert container.streams.video[0].sample_aspect_ratio == 1
        assert context.color_range == 1
    assert is_upright(pictures(data)[0])


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_becomes_standard(tmp_path: Path, transfer: int) -> None:
    clip = Clip(size=(320, 240), frames=5, color=(9, transfer, 9), audio_codec=None, **HEVC10)  # type: ignore[arg-type]
    path = clip.write(tmp_path / "clip.mp4")
    (track,) = encoded(path, tmp_path / "out", timeline(5), rung((320, 240))).tracks
    data = stitched(tmp_path / "out", track)
    with av.open(io.BytesIO(data)) as container:
        frame = next(container.decode(video=0))
        tags = (frame.color_primaries, frame.color_trc, frame.colorspace)
        red, green, blue, white = near_corners(frame.to_ndarray(format="rgb24", src_colorspace="ITU709"))
    assert tags == (1, 1, 1)
    assert red[0] > 1.5 * max(red[1:])
    assert green[1] > 1.5 * max(green[0], green[2])
    assert blue[2] > 1.5 * max(blue[:2])
    assert min(white) > 200


def red_patch(path: Path, out_dir: Path) -> tuple[tuple[int, int, int], Any]:
    """The tags and the mean colour, uint8 RGB as a display of these primaries has it, of the red corner."""
    (track,) = encoded(path, out_dir, timeline(3), rung((320, 240))).tracks
    with av.open(io.BytesIO(stitched(out_dir, track))) as container:
        frame = next(container.decode(video=0))
        rgb = frame.to_ndarray(format="rgb24", src_colorspace=frame.colorspace)
    return (frame.color_primaries, frame.color_trc, frame.colorspace), rgb[8:40, 8:40].mean(axis=(0, 1))


def test_primaries_of_phones_are_kept_and_those_of_bt2020_converted(tmp_path: Path) -> None:
    def source(name: str, color: tuple[int, int, int]) -> Path:
        size, options = (320, 240), {"preset": "ultrafast", "crf": "4"}
        clip = Clip(size=size, frames=3, color=color, audio_codec=None, codec_options=options)
        return clip.write(tmp_path / name)

    plain, red = red_patch(source("709.mp4", (1, 1, 1)), tmp_path / "709")
    phone, same = red_patch(source("p3.mp4", (12, 1, 1)), tmp_path / "p3")
    assert (plain, phone) == ((1, 1, 1), (12, 1, 1))
    assert np.abs(red - same).max() < 3
    wide, stronger = red_patch(source("2020.mp4", (9, 1, 1)), tmp_path / "2020")
    assert wide == (1, 1, 1)
    assert stronger[0] > red[0] + 15


def test_a_folder_of_any_name_holds_the_table_of_colours(tmp_path: Path) -> None:
    clip = Clip(size=(320, 240), frames=2, color=(9, 18, 9), audio_codec=None, **HEVC10)  # type: ignore[arg-type]
    path = clip.write(tmp_path / "clip.mp4")
    out_dir = tmp_path / "it's 1:2, [a] \\ b; "
    (track,) = encoded(path, out_dir, timeline(2), rung((320, 240))).tracks
    assert len(pictures(stitched(out_dir, track))) == 2


def test_interlaced_pictures_are_made_whole_and_keep_their_times(tmp_path: Path) -> None:
    options = {"preset": "veryfast", "x264-params": "tff=1"}
    clip = Clip(frames=60, audio_codec=None, codec_options=options, **NUMBERED)
    path = clip.write(tmp_path / "clip.mp4")
    (track,) = in_chunks(path, tmp_path / "out", timeline(60, chunk=20), rung((288, 96)))
    data = stitched(tmp_path / "out", track)
    assert shown_seconds(data) == [Fraction(n, 30) for n in range(60)]
    assert numbers(data) == list(range(60))
    with av.open(io.BytesIO(data)) as container:
        assert not any(frame.interlaced_frame for frame in container.decode(video=0))


def combed(size: Size, index: int) -> Rgb:
    """A bar that has moved in every other line, as a camera of fields sees it."""
    picture = np.full((size[1], size[0], 3), 32, np.uint8)
    for field in (0, 1):
        left = (2 * index + field) * 12 % size[0]
        picture[field::2, left : left + 40] = 220
    return picture


def combs(data: bytes) -> list[float]:
    """How unlike neighbouring lines of each picture are."""
    return [float(np.abs(np.diff(one[..., 1].astype(int), axis=0)).mean()) for one in pictures(data)]


def test_interlaced_pictures_after_a_title_of_whole_ones_are_made_whole(tmp_path: Path) -> None:
    plain = Clip(size=(320, 240), audio_codec=None, gop=15, frames=15)
    lines = {"preset": "ultrafast", "x264-params": "tff=1"}
    rest = replace(plain, paint=combed, frames=30, codec_options=lines)
    path = in_a_row(tmp_path / "a.ts", plain, rest)
    (track,) = in_chunks(path, tmp_path / "out", timeline(45, chunk=20), rung((320, 240)))
    data = stitched(tmp_path / "out", track)
    assert shown_seconds(data) == [Fraction(n, 30) for n in range(45)]
    assert max(combs(data)[16:]) < 4
    (track,) = encoded(
        rest.write(tmp_path / "b.ts"), tmp_path / "alone", timeline(30), rung((320, 240))
    ).tracks
    assert max(combs(stitched(tmp_path / "alone", track))) < 4


@pytest.mark.parametrize(("codec", "told"), [("hevc", "hvc1."), ("vp9", "vp09."), ("av1", "av01.")])
def test_other_codecs_keep_to_the_same_groups(tmp_path: Path, codec: str, told: str) -> None:
    path = Clip(frames=60, audio_codec=None, **NUMBERED).write(tmp_path / "clip.mp4")
    (track,) = in_chunks(path, tmp_path / "out", timeline(60), rung((288, 96), codec))
    data = stitched(tmp_path / "out", track)
    assert track.codecs.startswith(told)
    assert [segment.time for segment in track.segments] == [0, 20, 40]
    assert numbers(data) == list(range(60))


def damaged(path: Path, start_share: float = 0.4, end_share: float = 0.5) -> Path:
    """Overwrite a stretch in the middle of the packets."""
    data = bytearray(path.read_bytes())
    start, end = int(len(data) * start_share), int(len(data) * end_share)
    data[start:end] = np.random.default_rng(7).bytes(end - start)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
async def test_damage_in_the_middle_costs_only_what_it_hits(
    tmp_path: Path, sandbox: Sandbox, name: str
) -> None:
    path = Clip(frames=120, gop=20, audio_codec=None, size=(320, 240)).write(tmp_path / name)
    metadata, line = probed(path).metadata, timeline(120, chunk=120)
    (tmp_path / "out").mkdir()
    made = await ChunkEncoder(sandbox).encode(
        damaged(path),
        metadata,
        line,
        (rung((320, 240)),),
        first_frame=0,
        frames=120,
        out_dir=tmp_path / "out",
    )
    assert WarningCode.DAMAGED_PICTURES in made.warnings
    seen = pictures(stitched(tmp_path / "out", made.tracks[0]))
    assert len(seen) == 120
    assert is_upright(seen[0])
    assert is_upright(seen[-1])


def test_a_clip_that_ends_too_early_is_told_of(tmp_path: Path) -> None:
    path = Clip(frames=30, audio_codec=None).write(tmp_path / "clip.mp4")
    made = encoded(path, tmp_path / "out", timeline(120, chunk=120), rung((160, 120)))
    assert made.warnings == (WarningCode.TRUNCATED,)


def test_a_sound_clip_gives_no_warning(tmp_path: Path) -> None:
    path = Clip(frames=60, codec_options=B_FRAMES).write(tmp_path / "clip.mp4")
    made = [
        encoded(path, tmp_path / "out", timeline(60), rung((160, 120)), first=first, frames=20)
        for first in (0, 20, 40)
    ]
    assert [one.warnings for one in made] == [(), (), ()]


async def test_progress_is_told_by_the_share_of_frames(tmp_path: Path, sandbox: Sandbox) -> None:
    path = Clip(size=(960, 540), frames=120).write(tmp_path / "clip.mp4")
    (tmp_path / "out").mkdir()
    told: list[float] = []

    async def note(fraction: float, _: str) -> None:
        told.append(fraction)

    await ChunkEncoder(sandbox).encode(
        path,
        probed(path).metadata,
        timeline(120, chunk=120),
        (rung((960, 540)),),
        first_frame=0,
        frames=120,
        out_dir=tmp_path / "out",
        on_progress=note,
    )
    assert told == sorted(told)
    assert any(0.1 < fraction < 0.9 for fraction in told)


def test_a_file_without_pictures_is_refused(tmp_path: Path) -> None:
    path = Clip(frames=30, audio_codec=None).write(tmp_path / "clip.mp4")
    metadata = probed(path).metadata
    damaged(path, 0.01, 0.7)
    with pytest.raises(BadMedia) as refused:
        encoded(path, tmp_path / "out", timeline(30), rung((160, 120)), metadata=metadata)
    assert refused.value.code in {Refusal.NO_FRAMES, Refusal.DAMAGED, Refusal.NOT_MEDIA}


def test_more_pixels_get_more_time(tmp_path: Path) -> None:
    metadata = probed(Clip(frames=2).write(tmp_path / "clip.mp4")).metadata
    least = Limits()

    def limits(size: Size) -> Limits:
        request = EncodeRequest(
            path="",
            out_dir="",
            metadata=metadata,
            timeline=timeline(960),
            rungs=(rung(size),),
            first_frame=0,
            frames=960,
        )
        return limits_for(request, least)

    small, large = limits((160, 120)), limits((3840, 2160))
    assert least.cpu_seconds < small.cpu_seconds < large.cpu_seconds
    assert large.wall_seconds > 900


def playable(outcome: str) -> bool:
    return " " in outcome


@pytest.mark.skipif(not FOLDER.is_dir(), reason="set TRUTHTOK_MEDIA_DIR to a folder of clips")
@pytest.mark.parametrize(
    "name", [name for name, outcome in EXPECTED.items() if playable(outcome) and "8k24" not in name]
)
def test_a_real_clip_gives_the_same_frames_in_one_chunk_and_in_several(
    tmp_path: Path, name: str, chunk_of: Callable[[float], int]
) -> None:
    path = FOLDER / name
    metadata = probed(path).metadata
    rate = Fraction(metadata.fps).limit_denominator(1001)
    while rate > 60:
        rate /= 2
    frames = min(max(1, round(metadata.duration_seconds * rate)), 60)
    gop = chunk_of(frames / 6)
    line = timeline(frames, rate, gop=gop, chunk=2 * gop)
    size = (metadata.width_px * 96 // metadata.height_px // 2 * 2, 96)
    (whole,) = encoded(path, tmp_path / "whole", line, rung(size)).tracks
    (pieces,) = in_chunks(path, tmp_path / "pieces", line, rung(size))
    one, many = stitched(tmp_path / "whole", whole), stitched(tmp_path / "pieces", pieces)
    assert shown_seconds(one) == shown_seconds(many) == [n / rate for n in range(frames)]
    distances = [
        np.abs(np.subtract(first, second, dtype=int)).mean()
        for first, second in zip(pictures(one), pictures(many), strict=True)
    ]
    assert max(distances) < 12  # two encodings of the same picture; different ones differ by far more


@pytest.fixture
def chunk_of() -> Callable[[float], int]:
    return lambda frames: max(1, round(frames))


def test_segments_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    path = Clip(frames=95, audio_codec=None).write(tmp_path / "clip.mp4")
    (track,) = in_chunks(path, tmp_path / "out", timeline(95), rung((160, 120)))
    for before, after in itertools.pairwise(track.segments):
        assert before.time + before.duration == after.time
    assert sum(segment.duration for segment in track.segments) == 95
