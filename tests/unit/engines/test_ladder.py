"""Which renditions a clip gets."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.engines.clip.picture_facts import PictureFacts
from actors.engines.ladder.ladder import Ladder, bitrate_of, ladder_of
from actors.engines.ladder.policy import CODECS, LadderPolicy, codecs_of
from actors.engines.ladder.rung_size import shape_of
from subjects.media import Metadata

METADATA = Metadata(
    duration_seconds=12.0,
    format="mp4",
    size_bytes=1 << 20,
    width_px=1920,
    height_px=1080,
    fps=30.0,
    codec="h264",
    bitrate_bps=8_000_000,
)
FACTS = PictureFacts(
    stored_width_px=1920,
    stored_height_px=1080,
    fps_num=30,
    fps_den=1,
    duration_seconds=12.0,
    pixel_format="yuv420p",
    profile="High",
    longest_gop_seconds=2.0,
)
HEVC = replace(METADATA, codec="hevc")


def facts(width: int, height: int, **more: Any) -> PictureFacts:
    return replace(FACTS, stored_width_px=width, stored_height_px=height, **more)


def names(ladder: Ladder) -> list[str]:
    return [rung.name for rung in ladder.rungs]


def sizes(ladder: Ladder) -> list[tuple[int, int]]:
    return [(rung.width_px, rung.height_px) for rung in ladder.rungs]


SIDES = st.integers(min_value=2, max_value=8192)
PICTURES = st.builds(
    facts,
    SIDES,
    SIDES,
    pixel_aspect_num=st.integers(1, 64),
    pixel_aspect_den=st.integers(1, 64),
    fps_num=st.integers(1, 480_000),
    fps_den=st.sampled_from([1, 1000, 1001]),
    interlaced=st.booleans(),
)
CLIPS = st.builds(
    replace,
    st.sampled_from([METADATA, HEVC]),
    rotation_degrees=st.sampled_from([0, 90, 180, 270]),
    mirrored=st.booleans(),
)


@given(CLIPS, PICTURES)
def test_no_rung_is_larger_than_its_source(metadata: Metadata, picture: PictureFacts) -> None:
    wide, high = shape_of(picture, metadata.rotation_degrees)
    for rung in ladder_of(metadata, picture).rungs:
        assert rung.width_px <= max(Fraction(2), wide)
        assert rung.height_px <= max(Fraction(2), high)


@given(CLIPS, PICTURES)
def test_every_side_is_even_and_fits_a_decoder(metadata: Metadata, picture: PictureFacts) -> None:
    for width, height in sizes(ladder_of(metadata, picture)):
        assert width % 2 == height % 2 == 0
        assert min(width, height) >= 2
        assert min(width, height) <= 2160
        assert max(width, height) <= 4096


@given(CLIPS, PICTURES)
def test_a_rung_has_the_aspect_of_its_source_but_for_the_pixel_pairs(
    metadata: Metadata, picture: PictureFacts
) -> None:
    wide, high = shape_of(picture, metadata.rotation_degrees)
    for width, height in sizes(ladder_of(metadata, picture)):
        if min(wide, high) >= 2 and min(width, height) > 2:  # below two pixels there is no aspect to keep
            error = abs(Fraction(width, height) / (wide / high) - 1)
            assert error <= Fraction(2, min(width, height) - 2)


@given(CLIPS, PICTURES)
def test_rungs_go_down_in_size_and_bitrate_and_have_names_of_their_own(
    metadata: Metadata, picture: PictureFacts
) -> None:
    ladder = ladder_of(metadata, picture, LadderPolicy(codecs=CODECS))
    assert len(set(names(ladder))) == len(ladder.rungs)
    for codec in CODECS:
        rungs = [rung for rung in ladder.rungs if rung.codec == codec]
        for better, worse in pairwise(rungs):
            assert min(better.width_px, better.height_px) >= 1.2 * min(worse.width_px, worse.height_px)
            assert better.bitrate_bps > worse.bitrate_bps


@given(CLIPS, PICTURES)
def test_something_is_always_playable_first_and_each_rung_is_made_once(
    metadata: Metadata, picture: PictureFacts
) -> None:
    ladder = ladder_of(metadata, picture)
    assert ladder.untouched or ladder.first in ladder.passes[0]
    assert all(ladder.passes)
    assert sorted(rung.name for rungs in ladder.passes for rung in rungs) == sorted(names(ladder))


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1920, 1080, [(1920, 1080), (1280, 720), (960, 540), (640, 360), (426, 240)]),
        (1080, 1920, [(1080, 1920), (720, 1280), (540, 960), (360, 640), (240, 426)]),
        (1000, 1000, [(1000, 1000), (720, 720), (540, 540), (360, 360), (240, 240)]),
        (854, 480, [(854, 480), (640, 360), (426, 240)]),
        (321, 181, [(320, 180)]),
        (2, 2, [(2, 2)]),
        (10_000, 100, [(4000, 40)]),
    ],
)
def test_the_ladder_of_a_source_that_is_encoded_anew(
    width: int, height: int, expected: list[tuple[int, int]]
) -> None:
    assert sizes(ladder_of(HEVC, facts(width, height))) == expected


def test_a_source_beyond_the_largest_rung_ends_there() -> None:
    ladder = ladder_of(HEVC, facts(7680, 4320))
    assert sizes(ladder)[:2] == [(3840, 2160), (2560, 1440)]


def test_a_turned_source_has_turned_rungs() -> None:
    turned = replace(METADATA, rotation_degrees=90)
    assert sizes(ladder_of(turned, FACTS))[0] == (1080, 1920)


def test_pixels_that_are_not_square_become_so() -> None:
    ladder = ladder_of(HEVC, facts(720, 576, pixel_aspect_num=64, pixel_aspect_den=45))
    assert sizes(ladder) == [(960, 540), (640, 360), (426, 240)]


THRIFTY = replace(METADATA, bitrate_bps=7_400_000)


def test_a_thrifty_source_packaged_untouched_gets_only_rungs_below_it() -> None:
    ladder = ladder_of(THRIFTY, FACTS)
    assert ladder.untouched
    assert names(ladder) == ["720p-h264", "540p-h264", "360p-h264", "240p-h264"]
    assert ladder.first is None


def test_a_heavy_source_packaged_untouched_gets_a_rung_of_its_own_size_too() -> None:
    ladder = ladder_of(replace(METADATA, bitrate_bps=17_000_000), FACTS)
    assert ladder.untouched
    assert names(ladder)[0] == "1080p-h264"
    assert ladder.first is None


def test_an_original_is_heavy_by_what_each_codec_needs_for_its_size() -> None:
    ladder = ladder_of(THRIFTY, FACTS, LadderPolicy(codecs=("h264", "av1")))
    assert "1080p-av1" in names(ladder)
    assert "1080p-h264" not in names(ladder)


def test_a_small_source_packaged_untouched_needs_no_rungs() -> None:
    ladder = ladder_of(replace(METADATA, bitrate_bps=300_000), facts(320, 240))
    assert (ladder.untouched, ladder.rungs, ladder.passes) == (True, (), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"codec": "hevc"},
        {"hdr": "hlg"},
        {"dolby_vision": True},
        {"rotation_degrees": 180},
        {"mirrored": True},
        {"bitrate_bps": 80_000_000},
    ],
)
def test_a_clip_that_not_every_browser_shows_as_meant_is_encoded_anew(changes: dict[str, Any]) -> None:
    assert not ladder_of(replace(METADATA, **changes), FACTS).untouched


@pytest.mark.parametrize(
    "changes",
    [
        {"pixel_format": "yuv420p10le"},
        {"pixel_format": "yuv422p"},
        {"profile": "High 4:4:4 Predictive"},
        {"profile": None},
        {"interlaced": True},
        {"pixel_aspect_num": 4, "pixel_aspect_den": 3},
        {"fps_num": 120},
        {"stored_width_px": 7680, "stored_height_px": 4320},
        {"starts_with_key_frame": False},
        {"closed_gops": False},
        {"longest_gop_seconds": 10.5},
        {"longest_gop_seconds": None},
    ],
)
def test_a_stream_that_players_or_segments_cannot_take_is_encoded_anew(changes: dict[str, Any]) -> None:
    assert not ladder_of(METADATA, replace(FACTS, **changes)).untouched


def test_the_smallest_decent_rung_is_made_first() -> None:
    ladder = ladder_of(HEVC, FACTS)
    assert ladder.first is not None
    assert ladder.first.name == "360p-h264"
    small = ladder_of(HEVC, facts(320, 180))
    assert small.first is not None
    assert small.first.name == "180p-h264"


def test_the_first_rung_is_in_the_codec_that_is_made_fastest() -> None:
    ladder = ladder_of(HEVC, FACTS, LadderPolicy(codecs=("av1", "h264")))
    assert ladder.first is not None
    assert ladder.first.codec == "h264"


def passes(ladder: Ladder) -> list[list[str]]:
    return [[rung.name for rung in rungs] for rungs in ladder.passes]


def test_passes_go_from_what_most_people_watch_to_what_takes_longest() -> None:
    policy = LadderPolicy(codecs=("h264", "av1", "vp9"), hdr="hevc")
    made = passes(
        ladder_of(
            replace(HEVC, hdr="hlg"), replace(DEEP, stored_width_px=3840, stored_height_px=2160), policy
        )
    )
    assert made == [
        ["360p-h264"],
        ["1080p-h264", "720p-h264", "540p-h264", "240p-h264"],
        ["2160p-h264", "1440p-h264", "2160p-hevc-hlg"],
        [f"{px}p-av1" for px in (2160, 1440, 1080, 720, 540, 360, 240)],
        [f"{px}p-vp9" for px in (2160, 1440, 1080, 720, 540, 360, 240)],
    ]


def test_an_original_that_plays_is_followed_by_the_whole_usual_ladder() -> None:
    assert passes(ladder_of(THRIFTY, FACTS)) == [["720p-h264", "540p-h264", "360p-h264", "240p-h264"]]


def test_a_small_ladder_is_made_in_one_pass() -> None:
    assert passes(ladder_of(HEVC, facts(640, 360))) == [["360p-h264", "240p-h264"]]
    assert passes(ladder_of(HEVC, facts(854, 480))) == [["360p-h264"], ["480p-h264", "240p-h264"]]


def test_a_ladder_without_h264_begins_with_its_first_codec() -> None:
    made = passes(ladder_of(HEVC, facts(854, 480), LadderPolicy(codecs=("vp9", "av1"))))
    assert made[0] == ["360p-vp9"]
    assert made[1:] == [["480p-vp9", "240p-vp9"], ["480p-av1", "360p-av1", "240p-av1"]]


def test_the_usual_sizes_have_their_bitrates_and_fast_pictures_half_as_much_again() -> None:
    assert [bitrate_of("h264", px, 30) for px in (2160, 1080, 540, 240)] == [
        14_000_000,
        5_000_000,
        1_600_000,
        400_000,
    ]
    assert bitrate_of("h264", 1080, 60) == 7_500_000


@given(st.integers(2, 4320), st.sampled_from([24.0, 60.0]), st.sampled_from(CODECS))
def test_more_pixels_never_get_fewer_bits(short_px: int, fps: float, codec: str) -> None:
    assert bitrate_of(codec, short_px + 2, fps) >= bitrate_of(codec, short_px, fps) > 0


def test_codecs_are_read_from_a_setting_each_once() -> None:
    assert codecs_of("h264, av1,h264") == ("h264", "av1")
    for wrong in ("", "h264,h265"):
        with pytest.raises(ValueError, match="not a codec"):
            codecs_of(wrong)


DEEP = replace(FACTS, pixel_format="yuv420p10le", profile="Main 10")


@pytest.mark.parametrize(("hdr", "span"), [("hlg", "HLG"), ("hdr10", "PQ")])
@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_a_source_of_high_range_gets_its_top_size_in_it_when_that_is_wanted(
    hdr: Any, span: str, codec: Any
) -> None:
    ladder = ladder_of(replace(HEVC, hdr=hdr), DEEP, LadderPolicy(hdr=codec))
    top, last = ladder.rungs[0], ladder.rungs[-1]
    assert (last.name, last.video_range, last.codec) == (f"1080p-{codec}-{span.lower()}", span, codec)
    assert (last.width_px, last.height_px) == (top.width_px, top.height_px)
    assert [one.video_range for one in ladder.rungs[:-1]] == ["SDR"] * (len(ladder.rungs) - 1)
    assert ladder.first is not None
    assert ladder.first.video_range == "SDR"
    assert ladder.rungs[:-1] == ladder_of(replace(HEVC, hdr=hdr), DEEP).rungs


@pytest.mark.parametrize(
    ("hdr", "picture"), [(None, DEEP), ("hlg", FACTS), ("dolby_vision", DEEP), (None, FACTS)]
)
def test_no_other_source_gets_a_rung_of_high_range(hdr: Any, picture: PictureFacts) -> None:
    ladder = ladder_of(replace(HEVC, hdr=hdr), picture, LadderPolicy(hdr="hevc"))
    assert {one.video_range for one in ladder.rungs} == {"SDR"}


def test_a_dolby_vision_clip_whose_base_layer_others_show_gets_one() -> None:
    clip = replace(HEVC, hdr="hlg", dolby_vision=True)
    assert ladder_of(clip, DEEP, LadderPolicy(hdr="hevc")).rungs[-1].video_range == "HLG"
