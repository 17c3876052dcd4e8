"""The same pictures and the same sound in every container: each is packaged untouched."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from actors.engines.cmaf.boxes import split
from tests.cmaf_files import pictures, stitched
from tests.integration.engines.test_remux import B_FRAMES, remuxed
from tests.media_clips import Clip

PLAIN = {"preset": "ultrafast"}


def muxed(source: Path, path: Path, options: dict[str, str] | None = None) -> Path:
    """The packets of a clip in another container; AVI keeps start codes in its stream."""
    with av.open(source) as clip, av.open(path, "w", options=options or {}) as container:
        streams: dict[int, Any] = {one.index: container.add_stream_from_template(one) for one in clip.streams}
        form: Any = None
        if path.suffix == ".avi":
            form = av.BitStreamFilterContext("h264_mp4toannexb", clip.streams.video[0], streams[0])
        for packet in clip.demux():
            if packet.size == 0:
                continue
            stream = streams[packet.stream_index]
            for one in form.filter(packet) if form and packet.stream_index == 0 else (packet,):
                one.stream = stream
                container.mux(one)
    return path


def shown_ticks(folder: Path, made: Any) -> list[int]:
    """When each picture is shown as the boxes say, in order: what a browser's player goes by."""
    data = stitched(folder, made.video)
    _, fragments = split(data)
    times = []
    for fragment in fragments:
        at = fragment.decode_time
        for sample in fragment.samples:
            times.append(at + sample.composition_offset)
            at += sample.duration
    return sorted(times)


@pytest.mark.parametrize(("name", "options"), [
    ("clip.mp4", B_FRAMES),
    ("clip.mov", B_FRAMES),
    ("clip.mkv", B_FRAMES),
    ("clip.flv", B_FRAMES),
    ("clip.ts", B_FRAMES),
    ("clip.mkv", PLAIN),
    ("clip.avi", PLAIN),
    ("clip.ts", PLAIN),
])  # fmt: skip
def test_pictures_and_sound_stay_as_they_are(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    source = Clip(frames=120, gop=40, codec_options=options).write(tmp_path / "source.mp4")
    path = muxed(source, tmp_path / name)
    made = remuxed(path, tmp_path / "out")
    assert made.unfit == ""
    assert made.video is not None
    assert [one.facts.rendition for one in made.sounds] == ["audio-original"]
    copies, originals = pictures(stitched(tmp_path / "out", made.video)), pictures(source.read_bytes())
    assert [one.tobytes() for one in copies] == [one.tobytes() for one in originals]
    times = [Fraction(tick, made.video.timescale) for tick in shown_ticks(tmp_path / "out", made)]
    assert times[0] == 0
    exact = times[:-1] if name == "clip.avi" else times  # libav knows no duration for the last one there
    assert all(abs(time - Fraction(n, 30)) <= Fraction(1, 500) for n, time in enumerate(exact))


def test_a_container_that_does_not_say_when_reordered_pictures_are_shown_is_unfit(tmp_path: Path) -> None:
    source = Clip(frames=60, gop=40, codec_options=B_FRAMES).write(tmp_path / "source.mp4")
    assert "when its pictures are shown" in remuxed(muxed(source, tmp_path / "a.avi"), tmp_path / "out").unfit
