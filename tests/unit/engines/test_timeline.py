"""The frames that every rung of a video has."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.ladder.policy import LadderPolicy
from actors.engines.ladder.timeline import output_rate, timeline_of

POLICY = LadderPolicy()
FACTS = PictureFacts(
    stored_width_px=640,
    stored_height_px=360,
    fps_num=30,
    fps_den=1,
    duration_seconds=100.0,
    pixel_format="yuv420p",
)
RATES = st.tuples(st.integers(1, 480_000), st.sampled_from([1, 2, 7, 1000, 1001])).map(
    lambda rate: replace(FACTS, fps_num=rate[0], fps_den=rate[1])
)
CLIPS = st.builds(
    replace,
    RATES,
    duration_seconds=st.floats(0.0, 10_800.0),
    constant_rate=st.booleans(),
)


@given(CLIPS)
def test_no_timeline_is_faster_than_allowed(facts: PictureFacts) -> None:
    assert 0 < output_rate(facts, POLICY.fps_max) <= 60


@given(CLIPS)
def test_the_chunks_hold_every_frame_exactly_once(facts: PictureFacts) -> None:
    timeline = timeline_of(facts, POLICY)
    reached = 0
    for number in range(timeline.chunks):
        first, frames = timeline.chunk(number)
        assert first == reached
        assert 0 < frames <= timeline.chunk_frames
        reached += frames
    assert reached == timeline.frames
    with pytest.raises(IndexError):
        timeline.chunk(timeline.chunks)


@given(CLIPS)
def test_chunks_are_whole_segments_and_segments_whole_groups(facts: PictureFacts) -> None:
    timeline = timeline_of(facts, POLICY)
    assert timeline.segment_frames == 2 * timeline.gop_frames
    assert timeline.chunk_frames == 4 * timeline.segment_frames
    for number in range(timeline.chunks):
        assert timeline.chunk(number)[0] % timeline.segment_frames == 0


@given(CLIPS)
def test_the_frames_last_as_long_as_the_clip_but_for_half_a_frame(facts: PictureFacts) -> None:
    timeline = timeline_of(facts, POLICY)
    frame = Fraction(timeline.fps_den, timeline.fps_num)
    apart = abs(timeline.frames * frame - Fraction(facts.duration_seconds))
    assert timeline.frames == 1 or apart <= frame / 2


@given(CLIPS)
def test_a_timescale_fits_into_its_box(facts: PictureFacts) -> None:
    assert timeline_of(facts, POLICY).fps_num < 1 << 32


@pytest.mark.parametrize(
    ("measured", "output"),
    [
        ((30, 1), (30, 1)),
        ((30_000, 1001), (30_000, 1001)),
        ((29_970, 1000), (30_000, 1001)),
        ((23_976, 1000), (24_000, 1001)),
        ((240, 1), (60, 1)),
        ((120_000, 1001), (60_000, 1001)),
        ((100, 1), (50, 1)),
        ((60_010, 1000), (60, 1)),
        ((15, 1), (15, 1)),
        ((1, 10), (1, 1)),
    ],
)
def test_a_constant_rate_from_one_a_second_on_is_kept_and_halved_above_the_limit(
    measured: tuple[int, int], output: tuple[int, int]
) -> None:
    facts = replace(FACTS, fps_num=measured[0], fps_den=measured[1])
    assert output_rate(facts, 60) == Fraction(*output)


@pytest.mark.parametrize(
    ("mean", "output"), [(29_700, 30), (24_900, 25), (17_300, 30), (44_000, 60), (52_000, 60), (90_000, 60)]
)
def test_a_variable_rate_becomes_a_standard_one(mean: int, output: int) -> None:
    facts = replace(FACTS, fps_num=mean, fps_den=1000, constant_rate=False)
    assert output_rate(facts, 60) in (output, Fraction(output * 1000, 1001))


def test_a_clip_without_length_has_one_frame() -> None:
    timeline = timeline_of(replace(FACTS, duration_seconds=0.0), POLICY)
    assert (timeline.frames, timeline.chunks) == (1, 1)


@given(
    st.floats(0.0, 10_800.0),
    st.fractions(0, 240).map(lambda rate: (rate.numerator, rate.denominator)),
    st.booleans(),
)
def test_no_timeline_lasts_long_beyond_its_clip_whatever_the_header_tells(
    seconds: float, rate: tuple[int, int], constant: bool
) -> None:
    facts = replace(FACTS, duration_seconds=seconds, fps_num=rate[0], fps_den=rate[1], constant_rate=constant)
    timeline = timeline_of(facts, POLICY)
    assert timeline.frames / timeline.fps <= 2 * seconds + 1 / 30


def test_a_usual_clip_is_cut_into_two_four_and_sixteen_seconds() -> None:
    timeline = timeline_of(replace(FACTS, fps_num=30_000, fps_den=1001), POLICY)
    assert (timeline.gop_frames, timeline.segment_frames, timeline.chunk_frames) == (60, 120, 480)
    assert (timeline.frames, timeline.chunks) == (2997, 7)
