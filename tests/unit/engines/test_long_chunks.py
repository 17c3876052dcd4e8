"""How chunks are cut where key frames lie far apart."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.errors import BadMedia, Refusal
from actors.engines.ladder.ladder import Ladder, ladder_of
from actors.engines.ladder.long_chunks import SCRATCH_BYTES, with_long_chunks
from actors.engines.ladder.policy import LadderPolicy
from actors.engines.ladder.timeline import timeline_of
from subjects.media import Metadata, Rung, Timeline

HOURS = 3 * 3600.0
FACTS = PictureFacts(
    stored_width_px=1920,
    stored_height_px=1080,
    fps_num=60,
    fps_den=1,
    duration_seconds=HOURS,
    pixel_format="yuv420p",
    longest_gop_seconds=HOURS,
)
RUNG = Rung(name="1080p-h264", codec="h264", width_px=1920, height_px=1080, bitrate_bps=7_500_000)


def line(passes: tuple[tuple[Rung, ...], ...] = ((RUNG,),), **changes: Any) -> Timeline:
    facts = replace(FACTS, **changes)
    return with_long_chunks(timeline_of(facts, LadderPolicy()), facts, passes)


def skipped(timeline: Timeline, gop_frames: int) -> int:
    """The pictures that are decoded only to come to the first one of each chunk."""
    return sum(timeline.chunk(number)[0] % gop_frames for number in range(timeline.chunks))


@given(st.integers(1, 10_800))
def test_no_pass_skips_more_pictures_than_twice_those_of_the_clip(seconds: int) -> None:
    timeline = line(longest_gop_seconds=float(seconds))
    assert skipped(timeline, seconds * 60) <= 2 * timeline.frames
    assert timeline.chunk_frames % timeline.segment_frames == 0
    assert timeline.chunk_frames >= 16 * 60


def test_a_clip_with_one_key_frame_is_two_chunks_and_skips_half_of_it() -> None:
    for known in (HOURS, None):
        timeline = line(longest_gop_seconds=known)
        assert timeline.chunks == 2
        assert skipped(timeline, timeline.frames) == pytest.approx(timeline.frames / 2, rel=0.01)


def test_usual_clips_keep_chunks_of_sixteen_seconds() -> None:
    for seconds in (0.5, 10.0, 32.0):
        assert line(longest_gop_seconds=seconds).chunk_frames == 16 * 60


@pytest.mark.parametrize("rungs", [2, 3, 5])
def test_chunks_are_shorter_where_their_segments_would_fill_the_disk(rungs: int) -> None:
    timeline = line(((RUNG,), (RUNG,) * rungs))
    written = timeline.chunk_frames / 60 * RUNG.bitrate_bps * rungs / 8
    assert 0.99 * SCRATCH_BYTES < written <= SCRATCH_BYTES
    assert timeline.chunks > 2


def test_what_fits_on_no_disk_is_refused_with_a_reason() -> None:
    with pytest.raises(BadMedia) as refused:
        line(((RUNG,) * 40,))
    assert refused.value.code is Refusal.TOO_MUCH_PICTURE


def test_a_ladder_has_such_chunks() -> None:
    metadata = Metadata(
        duration_seconds=HOURS,
        format="webm",
        size_bytes=38 << 20,
        width_px=1920,
        height_px=1080,
        fps=60.0,
        codec="vp9",
        bitrate_bps=28_000,
    )
    ladder: Ladder = ladder_of(metadata, FACTS)
    assert ladder.timeline.chunks < 8
    assert skipped(ladder.timeline, ladder.timeline.frames) < 2 * ladder.timeline.frames
