import re
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from actors.engines.packaging.dash_manifest import aligned_sets, iso_duration, manifest
from actors.engines.packaging.presentation import CaptionTrack, boundaries
from subjects.media import Rendition
from tests.unit.engines.presentations import ENGLISH, RENDITIONS, VIDEO, audio, presented, storyboard, video

MPD = "{urn:mpeg:dash:schema:mpd:2011}"
SMALL = {"bandwidth_bps": 400_000, "average_bps": 300_000, "width_px": 426, "height_px": 240}


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own text


def sets_of(text: str) -> list[ET.Element]:
    return parsed(text).findall(f"{MPD}Period/{MPD}AdaptationSet")


def times_of(timeline: ET.Element) -> list[int]:
    """The boundaries that a timeline stands for (ISO/IEC 23009-1, 5.3.9.6)."""
    times: list[int] = []
    for entry in timeline.findall(f"{MPD}S"):
        if not times:
            times.append(int(entry.get("t", "0")))
        for _ in range(int(entry.get("r", "0")) + 1):
            times.append(times[-1] + int(entry.attrib["d"]))
    return times


def test_a_manifest_reads_like_this() -> None:
    assert (
        manifest(presented(video(), audio()))
        == """\
<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" \
mediaPresentationDuration="PT10.011S" maxSegmentDuration="PT5S" minBufferTime="PT5S">
  <Period id="0" start="PT0S">
    <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" \
selectionPriority="2">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main" />
      <SegmentTemplate timescale="30000" initialization="../$RepresentationID$/init.mp4" \
media="../$RepresentationID$/$Time$.m4s">
        <SegmentTimeline>
          <S t="0" d="120120" r="1" />
          <S d="60060" />
        </SegmentTimeline>
      </SegmentTemplate>
      <Representation width="1280" height="720" frameRate="30000/1001" id="720p-h264" codecs="avc1.64001f" \
bandwidth="3000000" sar="1:1" />
    </AdaptationSet>
    <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1" \
selectionPriority="2">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main" />
      <SegmentTemplate timescale="48000" initialization="../$RepresentationID$/init.mp4" \
media="../$RepresentationID$/$Time$.m4s">
        <SegmentTimeline>
          <S t="0" d="192512" r="1" />
          <S d="95232" />
        </SegmentTimeline>
      </SegmentTemplate>
      <Representation audioSamplingRate="48000" id="audio-aac" codecs="mp4a.40.2" bandwidth="130000">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" \
value="2" />
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"""
    )


@given(RENDITIONS)
def test_the_timeline_is_that_of_the_segments(rung: Rendition) -> None:
    (group,) = sets_of(manifest(presented(rung)))
    template = group.find(f"{MPD}SegmentTemplate")
    assert template is not None
    assert template.get("timescale") == str(rung.timescale)
    (timeline,) = template
    assert times_of(timeline) == list(boundaries(rung))


@given(RENDITIONS)
def test_the_presentation_is_told_to_last_a_little_longer_than_its_last_segment(rung: Rendition) -> None:
    text = parsed(manifest(presented(rung))).attrib["mediaPresentationDuration"]
    found = re.fullmatch(r"PT(\d+(?:\.\d{1,6})?)S", text)
    assert found
    more = Fraction(found[1]) - Fraction(boundaries(rung)[-1], rung.timescale)
    assert Fraction(1, 1000) <= more < Fraction(2, 1000)


def test_rungs_of_one_codec_share_a_set_from_the_smallest() -> None:
    groups = sets_of(manifest(presented(video(), video("240p-h264", **SMALL), audio())))
    ids = [[one.get("id") for one in group.findall(f"{MPD}Representation")] for group in groups]
    assert ids == [["240p-h264", "720p-h264"], ["audio-aac"]]


def test_each_codec_has_a_set() -> None:
    newer = video("720p-av1", codec="av1", codecs="av01.0.05M.08")
    assert [[one.name for one in members] for members in aligned_sets(presented(video(), newer))] == [
        ["720p-av1"],
        ["720p-h264"],
    ]


def test_the_original_has_a_set_of_its_own_even_when_it_is_aligned() -> None:
    groups = sets_of(manifest(presented(video("original"), video("240p-h264", **SMALL))))
    names = [(group[-1].get("id"), group.get("selectionPriority")) for group in groups]
    assert names == [("240p-h264", "2"), ("original", "1")]


@pytest.mark.parametrize("odd", [{"times": (0, 100100, 300300)}, {"timescale": 15000}])
def test_rungs_that_are_not_aligned_share_no_set(odd: dict[str, object]) -> None:
    assert len(aligned_sets(presented(video(), video("240p-h264", **{**SMALL, **odd})))) == 2  # type: ignore[arg-type]


def test_captions_are_a_set_with_a_file() -> None:
    track = CaptionTrack(key=ENGLISH.key, language="en", name='<Tom & "Jerry">')
    group = sets_of(manifest(presented(video(), captions=(track,))))[-1]
    assert (group.get("lang"), group.get("mimeType")) == ("en", "text/vtt")
    assert group.findtext(f"{MPD}Label") == track.name
    assert group.findtext(f"{MPD}Representation/{MPD}BaseURL") == "../../captions/en.vtt"
    assert track.key.startswith(VIDEO)


def test_representations_have_ids_that_no_other_has() -> None:
    text = manifest(presented(video("original"), video(), audio(), captions=(ENGLISH,)))
    ids = [one.attrib["id"] for one in parsed(text).iter(f"{MPD}Representation")]
    assert len(set(ids)) == len(ids) == 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(Fraction(4), "PT4S"), (Fraction(1, 3), "PT0.333333S"), (Fraction(90061, 10), "PT9006.1S")],
)
def test_a_duration_is_plain_seconds(seconds: Fraction, text: str) -> None:
    assert iso_duration(seconds) == text


@pytest.mark.parametrize(
    ("fps", "text"),
    [
        (25.0, "25"),
        (15.5, "31/2"),
        (23.976, "24000/1001"),
        (29.97, "30000/1001"),
        (30000 / 1001, "30000/1001"),
        (59.94005994, "60000/1001"),
    ],
)
def test_a_frame_rate_is_a_ratio(fps: float, text: str) -> None:
    (group,) = sets_of(manifest(presented(video(fps=fps))))
    assert group[-1].get("frameRate") == text


def test_a_layout_of_sound_that_has_another_number_is_not_guessed() -> None:
    for channels, told in [(6, ["6"]), (8, [])]:
        groups = sets_of(manifest(presented(video(), audio(channels=channels))))
        found = groups[1].iter(f"{MPD}AudioChannelConfiguration")
        assert [one.get("value") for one in found] == told


HDR: dict[str, Any] = {"codec": "hevc", "codecs": "hvc1.2.4.L153.B0"}


@pytest.mark.parametrize(("light", "transfer"), [("PQ", "16"), ("HLG", "18")])
def test_hdr_is_a_set_of_its_own_that_only_players_take_who_know_its_colours(
    light: str, transfer: str
) -> None:
    groups = sets_of(manifest(presented(video(), video("2160p-hevc", video_range=light, **HDR))))
    assert [group[-1].get("id") for group in groups] == ["720p-h264", "2160p-hevc"]
    told = [
        {one.attrib["schemeIdUri"]: one.attrib["value"] for one in group.iter(f"{MPD}EssentialProperty")}
        for group in groups
    ]
    cicp = "urn:mpeg:mpegB:cicp"
    assert told == [
        {},
        {
            f"{cicp}:ColourPrimaries": "9",
            f"{cicp}:TransferCharacteristics": transfer,
            f"{cicp}:MatrixCoefficients": "9",
        },
    ]


def test_hdr_and_what_is_not_share_no_set_though_their_codec_is_one() -> None:
    pictures = (
        video("720p-hevc", **HDR),
        video("1080p-hevc", video_range="HLG", **HDR),
        video("2160p-hevc", video_range="PQ", **HDR),
    )
    assert [len(members) for members in aligned_sets(presented(*pictures))] == [1, 1, 1]


def test_a_player_takes_hdr_by_itself_only_if_it_can_adapt_there() -> None:
    large = video("2160p-hevc", video_range="PQ", **HDR)
    small = video("1080p-hevc", video_range="PQ", bandwidth_bps=1_000_000, **HDR)
    for hdr, priorities in (((large,), ["2", "1"]), ((large, small), ["2", "3"])):
        groups = sets_of(manifest(presented(video(), *hdr)))
        assert [group.get("selectionPriority") for group in groups] == priorities


def test_each_sound_is_a_set_that_says_what_it_is() -> None:
    sounds = (
        audio(language="en", label="Film"),
        audio("audio-aac-2", language="de", label="Film", default=False),
        audio("audio-aac-3", language="und", default=False),
    )
    groups = sets_of(manifest(presented(video(), *sounds)))[1:]
    assert [group.get("lang") for group in groups] == ["en", "de", None]
    assert [group.findtext(f"{MPD}Label") for group in groups] == ["Film", "Film (2)", None]
    roles = [role.get("value") for group in groups for role in group.findall(f"{MPD}Role")]
    assert roles == ["main", "alternate", "alternate"]


def test_a_label_that_xml_cannot_hold_is_told_without_what_it_cannot() -> None:
    group = sets_of(manifest(presented(video(), audio(label="a\x00\x0b<b>\ud800"))))[1]
    assert group.findtext(f"{MPD}Label") == "a<b>"


def test_a_storyboard_is_a_set_of_pictures_that_a_template_finds() -> None:
    group = sets_of(manifest(presented(video(), audio(), storyboard=storyboard(28, 0.5))))[-1]
    assert (group.get("contentType"), group.get("mimeType")) == ("image", "image/jpeg")
    template, one = group
    assert template.attrib == {
        "timescale": "1000000",
        "duration": "12500000",
        "startNumber": "1",
        "endNumber": "2",
        "media": "../../storyboard-$Number$.jpg",
    }
    (tiles,) = one
    assert tiles.attrib == {"schemeIdUri": "http://dashif.org/guidelines/thumbnail_tile", "value": "5x5"}
    # 20 kB for three tiles of half a second
    assert one.attrib == {"id": "storyboard", "bandwidth": "106667", "width": "800", "height": "450"}


def test_a_storyboard_of_one_sheet_is_told_to_be_as_large_as_it_is() -> None:
    for tiles, size in ((3, ("480", "90", "3x1")), (7, ("800", "180", "5x2"))):
        one = sets_of(manifest(presented(video(), storyboard=storyboard(tiles))))[-1][-1]
        assert (one.get("width"), one.get("height"), one[0].get("value")) == size
