"""How much a chunk may use."""

from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from actors.engines.encoding.encode import EncodeRequest, limits_for
from actors.engines.encoding.encode_job import seldom
from actors.engines.sandbox.job_wire import MAX_OUTPUT_BYTES, Limits, Progress, pack
from subjects.media import Metadata, Rung, Timeline

LEAST = Limits(memory_bytes=1 << 30, cpu_seconds=100, wall_seconds=50.0)
RUNG = Rung(name="360p-h264", codec="h264", width_px=640, height_px=360, bitrate_bps=800_000)
REQUEST = EncodeRequest(
    path="clip.mp4",
    out_dir="out",
    metadata=Metadata(
        duration_seconds=60.0,
        format="mp4",
        size_bytes=1 << 20,
        width_px=640,
        height_px=360,
        fps=30.0,
        codec="h264",
        bitrate_bps=800_000,
    ),
    timeline=Timeline(
        fps_num=30, fps_den=1, frames=1800, gop_frames=60, segment_frames=120, chunk_frames=480
    ),
    rungs=(RUNG,),
    first_frame=0,
    frames=480,
)


def limits(**changes: Any) -> Limits:
    return limits_for(replace(REQUEST, **changes), LEAST)


def test_a_chunk_gets_no_less_than_the_least_and_the_same_memory() -> None:
    small = limits(frames=1)
    assert small.memory_bytes == LEAST.memory_bytes
    assert small.cpu_seconds >= 100
    assert small.wall_seconds > 50.0


def test_more_pixels_and_a_longer_way_to_them_get_more_time() -> None:
    usual = limits()
    for more in (limits(rungs=(RUNG, RUNG)), limits(first_frame=100_000)):
        assert more.cpu_seconds > usual.cpu_seconds
        assert more.wall_seconds > usual.wall_seconds
    assert limits(frames=1).wall_seconds < usual.wall_seconds


def test_no_chunk_may_run_for_ever() -> None:
    assert limits(rungs=(RUNG,) * 10**6).wall_seconds <= 50.0 + 12 * 3600
    assert limits(frames=10**9).wall_seconds <= 50.0 + 10 * 24 * 3600


def test_a_chunk_of_an_hour_and_a_half_gets_the_time_that_it_takes() -> None:
    """At 30 megapixels per second of one core: veryfast encodes 70, and there are decoding and scaling."""
    sizes = ((1920, 1080), (1280, 720), (960, 540))
    rungs = tuple(replace(RUNG, width_px=wide, height_px=high) for wide, high in sizes)
    frames = 90 * 60 * 60
    line = replace(REQUEST.timeline, fps_num=60, frames=2 * frames, chunk_frames=frames)
    given = limits(rungs=rungs, timeline=line, frames=frames, first_frame=frames)
    assert given.cpu_seconds > 2 * sum(wide * high for wide, high in sizes) * frames / 30e6
    assert given.file_bytes == LEAST.file_bytes  # of one segment, whatever their number


def test_a_slow_codec_at_a_slow_preset_gets_the_time_and_the_silence_it_needs() -> None:
    """1080p and below in H.265 at `slower`: measured at 0.8 megapixels per second of processor time."""
    sizes = ((1920, 1080), (1280, 720), (640, 360))
    rungs = tuple(replace(RUNG, codec="hevc", width_px=wide, height_px=high) for wide, high in sizes)
    measured = sum(wide * high for wide, high in sizes) * 480 / 0.8e6
    given = limits(rungs=rungs, preset="slower")
    assert given.cpu_seconds >= 4 * measured
    assert given.wall_seconds >= 4 * measured
    assert given.silent_seconds > 60.0
    assert limits().silent_seconds < 9.0


def told(chunk_seconds: float, step_seconds: float, count: int) -> list[float]:
    """When a job that reports in such steps is heard."""
    clock, heard = 0.0, list[float]()
    report = seldom(lambda fraction, note: heard.append(clock), chunk_seconds, lambda: clock)
    for number in range(count):
        clock = number * step_seconds
        report(0.5, "encoding")
    return heard


def test_a_short_chunk_is_heard_often_and_a_long_one_as_long_as_it_takes() -> None:
    assert len(told(16.0, 0.1, 100)) == 100
    long = told(5400.0, 0.5, 1000)
    assert max(after - before for before, after in pairwise(long)) <= 2.0 < LEAST.silent_seconds / 3
    a_day = 24 * 3600 / 2.0 * len(pack(Progress(0.123456789, "looking for the chunk")))
    assert a_day < MAX_OUTPUT_BYTES
