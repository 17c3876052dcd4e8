import io
import itertools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from actors.engines.sandbox.sandbox import Sandbox
from actors.engines.sound.audio import EncodedSounds, Sound, SoundEncoder, SoundRequest
from actors.engines.sound.audio_job import encode_sound
from actors.engines.sound.loudness import gain_db, measured_lufs
from tests.cmaf_files import sound, stitched
from tests.integration.engines.conftest import probed
from tests.media_clips import Clip
from tests.media_outcomes import EXPECTED, FOLDER

Floats = npt.NDArray[np.float32]
Wave = Callable[[Floats], Floats]


def tone(level: float, hertz: float = 440) -> Wave:
    return lambda times: (level * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def clip_with(
    path: Path,
    *waves: Wave,
    layout: str = "stereo",
    codec: str = "aac",
    rate: int = 48_000,
    seconds: float = 6.0,
    begin_seconds: float = 0.0,
    default: int = 0,
) -> Path:
    """Six seconds of picture with a sound track for each wave."""
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    with av.open(path, "w") as container:
        video: Any = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        streams: list[Any] = [container.add_stream(codec, rate=rate, layout=layout) for _ in waves]
        for number, stream in enumerate(streams):
            stream.disposition = av.stream.Disposition.default if number == default else 0
        for index in range(180):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index, np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            container.mux(video.encode(frame.reformat(format="yuv420p")))
        container.mux(video.encode(None))
        for stream, wave in zip(streams, waves, strict=True):
            write_sound(container, stream, wave, channels, rate, seconds, begin_seconds)
    return path


def write_sound(
    container: Any, stream: Any, wave: Wave, channels: int, rate: int, seconds: float, begin: float
) -> None:
    size = stream.codec_context.frame_size or 1024
    for start in range(0, int(rate * seconds), size):
        times = (np.arange(start, start + size) / rate).astype(np.float64)
        form = stream.codec_context.format.name
        block = np.stack([wave(times)] * channels)  # type: ignore[arg-type]
        frame = av.AudioFrame.from_ndarray(block, "fltp", stream.codec_context.layout.name)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = start + round(begin * rate)
        if form == "fltp":
            container.mux(stream.encode(frame))
        else:
            for piece in av.AudioResampler(form, stream.codec_context.layout, rate).resample(frame):
                container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def all_encoded(path: Path, out_dir: Path, seconds: float = 6.0, **more: Any) -> EncodedSounds:
    out_dir.mkdir(exist_ok=True)
    request = SoundRequest(path=str(path), out_dir=str(out_dir), duration_seconds=seconds, **more)
    return encode_sound(request, lambda fraction, note: None)


def encoded(path: Path, out_dir: Path, seconds: float = 6.0) -> Sound:
    return all_encoded(path, out_dir, seconds).sounds[0]


def heard(made: Sound, out_dir: Path) -> Floats:
    return sound(stitched(out_dir, made.track))


def loudness(samples: Floats) -> float:
    told = measured_lufs([samples], "mono" if samples.shape[0] == 1 else "stereo")
    assert told is not None
    return told


@pytest.mark.parametrize("level", [0.03, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_every_clip_is_as_loud(tmp_path: Path, level: float, layout: str) -> None:
    path = clip_with(tmp_path / "clip.mp4", tone(level), layout=layout)
    made = encoded(path, tmp_path / "out")
    samples = heard(made, tmp_path / "out")
    assert loudness(samples) == pytest.approx(-16, abs=0.5)
    assert made.channels == samples.shape[0] == {"mono": 1, "stereo": 2}[layout]


def test_peaks_stay_below_full_scale_when_a_quiet_clip_is_raised(tmp_path: Path) -> None:
    def bursts(times: Floats) -> Floats:
        loud = (times % 2 < 0.002) * 0.8 + 0.02
        return np.asarray(loud * np.sin(2 * np.pi * 700 * times), np.float32)

    made = encoded(clip_with(tmp_path / "clip.mp4", bursts), tmp_path / "out")
    assert made.gain_db > 0
    assert np.abs(heard(made, tmp_path / "out")).max() < 1.0


@pytest.mark.parametrize(("codec", "rate", "layout", "name"), [
    ("libmp3lame", 44_100, "stereo", "clip.mp4"),
    ("libopus", 48_000, "stereo", "clip.mkv"),
    ("flac", 96_000, "stereo", "clip.mkv"),
    ("aac", 22_050, "mono", "clip.mov"),
    ("aac", 48_000, "5.1", "clip.mp4"),
    ("mp2", 32_000, "stereo", "clip.ts"),
    ("pcm_s16le", 8_000, "mono", "clip.avi"),
])  # fmt: skip
def test_any_sound_becomes_aac_at_48_khz(
    tmp_path: Path, codec: str, rate: int, layout: str, name: str
) -> None:
    path = clip_with(tmp_path / name, tone(0.1), codec=codec, rate=rate, layout=layout)
    made = encoded(path, tmp_path / "out")
    assert (made.track.codecs, made.track.timescale) == ("mp4a.40.2", 48_000)
    samples = heard(made, tmp_path / "out")
    assert samples.shape[0] == (1 if layout == "mono" else 2)
    assert samples.shape[1] / 48_000 == pytest.approx(6, abs=0.1)
    assert loudness(samples) == pytest.approx(-16, abs=0.7)


def test_silence_stays_silent(tmp_path: Path) -> None:
    made = encoded(clip_with(tmp_path / "clip.mp4", tone(0)), tmp_path / "out")
    assert (made.measured_lufs, made.gain_db) == (None, 0.0)
    assert np.abs(heard(made, tmp_path / "out")).max() < 1e-4


def test_a_clip_without_sound_has_no_track(tmp_path: Path) -> None:
    path = Clip(frames=30, audio_codec=None).write(tmp_path / "clip.mp4")
    assert all_encoded(path, tmp_path / "out") == EncodedSounds()


def pitch(samples: Floats) -> float:
    spectrum = np.abs(np.fft.rfft(samples[0]))
    return float(np.argmax(spectrum) * 48_000 / samples.shape[1])


@pytest.mark.parametrize(("default", "hertz"), [(0, 440), (1, 1_000)])
def test_of_several_tracks_the_default_one_is_heard(tmp_path: Path, default: int, hertz: float) -> None:
    path = clip_with(tmp_path / "clip.mkv", tone(0.1), tone(0.1, 1_000), default=default)
    made = encoded(path, tmp_path / "out")
    assert pitch(heard(made, tmp_path / "out")) == pytest.approx(hertz, abs=5)


def click(at_seconds: float) -> Wave:
    return lambda times: np.asarray(np.abs(times - at_seconds) < 0.001, np.float32) * np.float32(0.7)


@pytest.mark.parametrize("begin_seconds", [0.0, 0.5])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_what_is_heard_is_heard_when_it_was(tmp_path: Path, name: str, begin_seconds: float) -> None:
    path = clip_with(tmp_path / name, click(2.0), begin_seconds=begin_seconds, seconds=5.0)
    made = encoded(path, tmp_path / "out")
    assert made.track.segments[0].time == 0
    samples = heard(made, tmp_path / "out")
    assert np.argmax(np.abs(samples[0])) / 48_000 == pytest.approx(2.0 + begin_seconds, abs=0.005)


def test_sound_beyond_the_pictures_is_not_kept(tmp_path: Path) -> None:
    made = encoded(clip_with(tmp_path / "clip.mp4", tone(0.1), seconds=9), tmp_path / "out")
    assert heard(made, tmp_path / "out").shape[1] == pytest.approx(6 * 48_000, abs=1_024)


def test_segments_end_with_those_of_the_pictures(tmp_path: Path) -> None:
    made = encoded(clip_with(tmp_path / "clip.mp4", tone(0.1), seconds=9), tmp_path / "out", seconds=9)
    for before, after in itertools.pairwise(made.track.segments):
        assert before.time + before.duration == after.time
    starts = [segment.time / 48_000 for segment in made.track.segments]
    assert all(0 <= start - 4 * place < 1_024 / 48_000 for place, start in enumerate(starts))


def test_damage_in_the_sound_is_a_warning_and_keeps_its_length(tmp_path: Path) -> None:
    path = clip_with(tmp_path / "clip.mp4", tone(0.3))
    data = bytearray(path.read_bytes())
    with av.open(io.BytesIO(data)) as container:
        places = [
            (packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size and packet.pos
        ]
    for at, size in places[100:140]:
        data[at : at + size] = b"\xff" * size
    path.write_bytes(data)
    made = encoded(path, tmp_path / "out")
    assert made.warnings
    samples = heard(made, tmp_path / "out")
    assert samples.shape[1] == pytest.approx(6 * 48_000, abs=2_048)
    assert np.abs(samples[0, 200_000:]).max() > 0.05


def test_a_gain_is_bounded_and_silence_has_none() -> None:
    assert gain_db(None) == 0
    assert gain_db(-70.0) == 0
    assert gain_db(-60.0) == 20
    assert gain_db(-10.0) == pytest.approx(-6)


async def test_sound_is_encoded_in_the_sandbox(tmp_path: Path, sandbox: Sandbox) -> None:
    path = clip_with(tmp_path / "clip.mp4", tone(0.1))
    (tmp_path / "out").mkdir()
    made = await SoundEncoder(sandbox).encode(path, tmp_path / "out", duration_seconds=6.0)
    assert loudness(heard(made.sounds[0], tmp_path / "out")) == pytest.approx(-16, abs=0.5)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="set TRUTHTOK_MEDIA_DIR to a folder of clips")
@pytest.mark.parametrize("name", [name for name, outcome in EXPECTED.items() if " " in outcome])
def test_a_real_clip_is_heard_as_long_as_it_is_seen(tmp_path: Path, name: str) -> None:
    metadata = probed(FOLDER / name).metadata
    made = all_encoded(FOLDER / name, tmp_path / "out", metadata.duration_seconds)
    assert bool(made.sounds) == (metadata.audio is not None)
    for one in made.sounds:
        told = sum(segment.duration for segment in one.track.segments) / 48_000
        assert told == pytest.approx(metadata.duration_seconds, abs=0.05)
