import io
import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from actors.engines.clip.h264_units import configured_sets
from actors.engines.cmaf.boxes import split
from actors.engines.cmaf.remux import Remuxed, Remuxer, RemuxRequest
from actors.engines.cmaf.remux_job import remux
from actors.engines.sandbox.sandbox import Sandbox
from tests.cmaf_files import shown_seconds, sound, stitched
from tests.integration.engines.conftest import probed
from tests.media_clips import Clip
from tests.media_outcomes import EXPECTED, FOLDER

B_FRAMES = {"preset": "veryfast", "bf": "3", "b_strategy": "0"}


def remuxed(path: Path, out_dir: Path) -> Remuxed:
    out_dir.mkdir(exist_ok=True)
    seconds = probed(path).metadata.duration_seconds
    request = RemuxRequest(path=str(path), out_dir=str(out_dir), duration_seconds=seconds)
    return remux(request, lambda fraction, note: None)


def video_packets(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def times_of(path: Path) -> list[Fraction]:
    return shown_seconds(path.read_bytes())


@pytest.mark.parametrize("options", [{"preset": "ultrafast"}, B_FRAMES])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov"])
def test_the_pictures_are_those_of_the_source_to_the_byte_and_the_tick(
    tmp_path: Path, options: dict[str, str], name: str
) -> None:
    path = Clip(frames=200, gop=40, codec_options=options).write(tmp_path / name)
    made = remuxed(path, tmp_path / "out")
    assert made.unfit == ""
    assert made.video is not None
    data = stitched(tmp_path / "out", made.video)
    assert video_packets(data) == video_packets(path.read_bytes())
    assert shown_seconds(data) == times_of(path)
    assert made.frames == 200


def test_a_variable_rate_stays_variable(tmp_path: Path) -> None:
    ticks = [0, 1, 2, 10, 11, 30, 31, 32, 33, 60]
    path = Clip(frames=10, ticks=ticks, gop=4, audio_codec=None).write(tmp_path / "clip.mp4")
    made = remuxed(path, tmp_path / "out")
    assert made.video is not None
    assert shown_seconds(stitched(tmp_path / "out", made.video)) == [Fraction(tick, 30) for tick in ticks]


@pytest.mark.parametrize(("gop", "seconds"), [
    (15, [4, 4, 2]),
    (60, [4, 4, 2]),
    (90, [3, 3, 4]),
    (150, [5, 5]),
])  # fmt: skip
def test_segments_end_at_key_frames_near_four_seconds(tmp_path: Path, gop: int, seconds: list[int]) -> None:
    options = {"preset": "ultrafast", "sc_threshold": "0"}
    path = Clip(frames=300, gop=gop, codec_options=options).write(tmp_path / "clip.mp4")
    made = remuxed(path, tmp_path / "out")
    assert made.video is not None
    assert [segment.duration / made.video.timescale for segment in made.video.segments] == seconds
    for segment in made.video.segments:
        body = (tmp_path / "out" / "original" / f"{segment.time}.m4s").read_bytes()
        init = (tmp_path / "out" / "original" / "init.mp4").read_bytes()
        _, fragments = split(init + body)
        assert fragments[0].decode_time == segment.time
        assert fragments[0].samples[0].sync


def test_many_key_frames_are_told_of_once_a_second(tmp_path: Path) -> None:
    path = Clip(frames=90, gop=1, audio_codec=None).write(tmp_path / "clip.mp4")
    made = remuxed(path, tmp_path / "out")
    assert made.video is not None
    told = [time for segment in made.video.segments for _, _, time in segment.iframes]
    assert told == [0, made.video.timescale, 2 * made.video.timescale]


def test_a_start_code_source_is_packaged_with_lengths(tmp_path: Path) -> None:
    path = Clip(frames=90, gop=30, audio_codec=None).write(tmp_path / "clip.ts")
    made = remuxed(path, tmp_path / "out")
    assert made.video is not None
    assert made.video.codecs.startswith("avc1.")
    data = stitched(tmp_path / "out", made.video)
    assert shown_seconds(data) == [Fraction(n, 30) for n in range(90)]


def test_the_sound_is_copied_and_starts_with_the_picture(tmp_path: Path) -> None:
    path = Clip(frames=300, gop=60).write(tmp_path / "clip.mp4")
    made = remuxed(path, tmp_path / "out")
    (copied,) = made.sounds
    audio = copied.track
    assert (audio.codecs, audio.timescale) == ("mp4a.40.2", 48_000)
    assert (copied.sample_rate_hz, copied.channels, copied.default) == (48_000, 2, True)
    assert audio.segments[0].time == 0
    source, copy = sound(path.read_bytes()), sound(stitched(tmp_path / "out", audio))
    after_priming = slice(2_048, 400_000)
    assert np.abs(source[:, after_priming] - copy[:, after_priming]).max() < 1e-4
    for before, after in itertools.pairwise(audio.segments):
        assert before.time + before.duration == after.time
        assert abs(after.time / 48_000 / 4 - round(after.time / 48_000 / 4)) < 1024 / 48_000


@pytest.mark.parametrize(("changes", "name", "why"), [
    ({"codec": "libx265", "codec_options": {"x265-params": "log-level=none"}}, "clip.mp4", "hevc"),
    ({"gop": 1000, "frames": 330, "codec_options": {"preset": "ultrafast", "sc_threshold": "0"}},
     "clip.mp4", "too far apart"),
    ({"codec_options": {**B_FRAMES, "x264-params": "open-gop=1:keyint=25:min-keyint=25:scenecut=0"},
      "frames": 330}, "clip.mp4", "too far apart"),
])  # fmt: skip
def test_what_cannot_be_played_as_it_is_is_unfit(
    tmp_path: Path, changes: dict[str, Any], name: str, why: str
) -> None:
    path = Clip(audio_codec=None, **changes).write(tmp_path / name)
    made = remuxed(path, tmp_path / "out")
    assert why in made.unfit
    assert made.video is None


def test_a_clip_that_an_edit_cuts_into_is_unfit(tmp_path: Path) -> None:
    path = Clip(frames=60, gop=60, audio_codec=None).write(tmp_path / "clip.mp4")
    data = path.read_bytes()
    at = data.index(b"elst") + 16  # version, flags, count, duration; then the time of the media
    begin = int.from_bytes(data[at : at + 4])
    path.write_bytes(data[:at] + (begin + 5 * 512).to_bytes(4) + data[at + 4 :])
    assert remuxed(path, tmp_path / "out").unfit


def test_other_sound_is_left_to_the_encoder(tmp_path: Path) -> None:
    path = Clip(frames=60, audio_codec="libmp3lame").write(tmp_path / "clip.mp4")
    made = remuxed(path, tmp_path / "out")
    assert made.video is not None
    assert made.sounds == ()


async def test_a_clip_is_packaged_in_the_sandbox(tmp_path: Path, sandbox: Sandbox) -> None:
    path = Clip(frames=60).write(tmp_path / "clip.mp4")
    (tmp_path / "out").mkdir()
    made = await Remuxer(sandbox).remux(
        path, tmp_path / "out", duration_seconds=2.0, size_bytes=path.stat().st_size
    )
    assert made.video is not None
    assert len(made.sounds) == 1


@pytest.mark.skipif(not FOLDER.is_dir(), reason="set TRUTHTOK_MEDIA_DIR to a folder of clips")
@pytest.mark.parametrize("name", [name for name, outcome in EXPECTED.items() if " h264 " in outcome])
def test_a_real_clip_is_packaged_to_the_tick_or_said_to_be_unfit(tmp_path: Path, name: str) -> None:
    made = remuxed(FOLDER / name, tmp_path / "out")
    if name == "mozilla__no_timescale.mp4" or made.unfit:  # its packets are damaged in the source, too
        return
    assert made.video is not None
    tick = Fraction(1, made.video.timescale)
    pairs = zip(shown_seconds(stitched(tmp_path / "out", made.video)), times_of(FOLDER / name), strict=True)
    assert all(abs(copy - source) < tick for copy, source in pairs)


def joined(first: Path, second: Path, path: Path) -> Path:
    """The packets of both clips behind the header of the first; the second brings its own configuration."""
    with av.open(path, "w") as container, av.open(first) as head:
        stream = container.add_stream_from_template(head.streams.video[0])
        shown = 0
        for source in (first, second):
            with av.open(source) as clip:
                context = clip.streams.video[0].codec_context
                sets = configured_sets(bytes(context.extradata or b""))
                brought = b"".join(len(one).to_bytes(4) + one for one in sorted(sets))
                for packet in clip.demux(video=0):
                    if packet.size:
                        data = (brought if packet.is_keyframe else b"") + bytes(packet)
                        made = av.Packet(data)
                        made.stream, made.is_keyframe, made.time_base = (
                            stream,
                            packet.is_keyframe,
                            Fraction(1, 30),
                        )
                        made.pts = made.dts = shown
                        made.duration, shown = 1, shown + 1
                        container.mux(made)
    return path


def test_a_stream_that_brings_another_configuration_with_it_is_not_played_as_it_is(tmp_path: Path) -> None:
    plain: dict[str, Any] = {"frames": 30, "gop": 10, "audio_codec": None}
    one = Clip(**plain, codec_options={"preset": "ultrafast"}).write(tmp_path / "one.mp4")
    other = Clip(**plain, codec_options={"preset": "ultrafast", "coder": "1"}).write(tmp_path / "other.mp4")
    alike = remuxed(joined(one, one, tmp_path / "alike.mp4"), tmp_path / "a")
    assert (alike.unfit, alike.frames) == ("", 60)
    assert remuxed(joined(one, other, tmp_path / "not.mp4"), tmp_path / "b").unfit == (
        "a packet changes the configuration"
    )
