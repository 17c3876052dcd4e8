import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest

from actors.engines.clip.inspection import Inspector, InspectRequest
from actors.engines.clip.inspection_job import inspect
from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.errors import BadMedia
from actors.engines.sandbox.sandbox import Sandbox
from tests.media_clips import Clip


def inspected(path: Path) -> PictureFacts:
    return inspect(InspectRequest(path=str(path)), lambda fraction, note: None)


def test_an_even_clip_is_told_exactly(tmp_path: Path) -> None:
    facts = inspected(Clip(frames=45, gop=15).write(tmp_path / "a.mp4"))
    assert (facts.stored_width_px, facts.stored_height_px) == (160, 120)
    assert (facts.fps_num, facts.fps_den, facts.duration_seconds) == (30, 1, 1.5)
    assert facts.constant_rate
    assert facts.longest_gop_seconds == 0.5
    assert (facts.pixel_format, facts.interlaced) == ("yuv420p", False)
    assert facts.starts_with_key_frame
    assert facts.closed_gops


def test_a_turned_clip_is_told_as_it_is_stored(tmp_path: Path) -> None:
    facts = inspected(Clip(rotation_degrees=90).write(tmp_path / "a.mp4"))
    assert (facts.stored_width_px, facts.stored_height_px) == (120, 160)


def test_the_shape_of_pixels_is_told(tmp_path: Path) -> None:
    facts = inspected(Clip(pixel_aspect=Fraction(4, 3)).write(tmp_path / "a.mp4"))
    assert (facts.pixel_aspect_num, facts.pixel_aspect_den) == (4, 3)


def test_uneven_frames_are_a_variable_rate(tmp_path: Path) -> None:
    ticks = [number + (3 if number > 9 else 0) for number in range(30)]
    facts = inspected(Clip(ticks=ticks).write(tmp_path / "a.mkv"))
    assert not facts.constant_rate
    assert facts.duration_seconds == pytest.approx(33 / 30, abs=0.002)


def test_an_open_group_is_noticed(tmp_path: Path) -> None:
    options = {"preset": "veryfast", "x264-params": "open-gop=1:bframes=3:b-adapt=0:scenecut=0:log-level=0"}
    clip = Clip(frames=60, gop=20, codec_options=options)
    assert not inspected(clip.write(tmp_path / "a.mp4")).closed_gops


def announcing(path: Path, seconds: float) -> Path:
    """Let a Matroska file say that it lasts so long (RFC 9559, section 5.1.2.10: milliseconds as a float)."""
    data, name = path.read_bytes(), b"\x44\x89\x88"
    place = data.index(name) + len(name)
    path.write_bytes(data[:place] + struct.pack(">d", seconds * 1000) + data[place + 8 :])
    return path


def test_a_last_picture_in_eleven_days_does_not_make_a_clip_of_eleven_days(tmp_path: Path) -> None:
    path = Clip(frames=31, ticks=[*range(30), 30_000_000]).write(tmp_path / "a.mkv")
    facts = inspected(announcing(path, 1.0))
    assert facts.duration_seconds == pytest.approx(1.0, abs=0.05)
    assert facts.warnings == ("broken_times",)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv", "a.avi"])
def test_a_sound_container_is_not_warned_of(tmp_path: Path, name: str) -> None:
    codec = "mpeg4" if name.endswith(".avi") else "libx264"
    audio = "mp3" if name.endswith(".avi") else "aac"
    assert inspected(Clip(codec=codec, audio_codec=audio).write(tmp_path / name)).warnings == ()


def test_sound_that_goes_on_behind_the_pictures_is_no_lack_of_pictures(tmp_path: Path) -> None:
    clip = Clip(frames=90)
    path = tmp_path / "a.mkv"
    with av.open(clip.write(tmp_path / "whole.mp4")) as source, av.open(path, "w") as container:
        streams = [
            container.add_stream_from_template(one) for one in (*source.streams.video, *source.streams.audio)
        ]
        for packet in source.demux():
            is_late = (
                packet.stream_index == 0 and packet.pts is not None and packet.pts * packet.time_base >= 1
            )
            if packet.size and not is_late:
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
    facts = inspected(path)
    assert facts.duration_seconds == pytest.approx(1.0, abs=0.05)
    assert facts.warnings == ()


def test_a_clip_that_its_packets_make_too_long_is_refused(tmp_path: Path) -> None:
    path = Clip(frames=1300, ticks=[number * 270 for number in range(1300)]).write(tmp_path / "a.mkv")
    with pytest.raises(BadMedia) as refused:
        inspected(announcing(path, 1.0))
    assert refused.value.code == "too_long"


async def test_what_is_no_clip_is_refused_in_the_child(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    with pytest.raises(BadMedia):
        await Inspector(sandbox).inspect(path, size_bytes=112)
