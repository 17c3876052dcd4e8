from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.packaging.hls_master import FIRST_BPS, in_order_of_choice, master_playlist
from actors.engines.packaging.presentation import CaptionTrack
from actors.engines.packaging.texts import fingerprint, package_texts
from tests.unit.engines.presentations import (
    ENGLISH,
    VIDEO,
    attributes,
    audio,
    presented,
    read,
    storyboard,
    video,
)

LADDER = (
    video(
        "original", bandwidth_bps=9_000_000, average_bps=8_000_000, width_px=1920, height_px=1080, fps=29.97
    ),
    video("720p-h264"),
    video("540p-h264", bandwidth_bps=1_800_000, average_bps=1_600_000, width_px=960, height_px=540),
    video("240p-h264", bandwidth_bps=400_000, average_bps=300_000, width_px=426, height_px=240),
)


def test_a_master_playlist_reads_like_this() -> None:
    assert master_playlist(presented(video(), audio())) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio-aac",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",'
        'URI="audio-aac.m3u8"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=3130000,AVERAGE-BANDWIDTH=2628000,"
        'CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,VIDEO-RANGE=SDR,FRAME-RATE=29.970,'
        'AUDIO="audio"\n'
        "720p-h264.m3u8\n"
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=360,AVERAGE-BANDWIDTH=216,CODECS="avc1.64001f",'
        'RESOLUTION=1280x720,VIDEO-RANGE=SDR,URI="720p-h264.iframes.m3u8"\n'
    )


def test_a_player_begins_with_what_most_connections_carry() -> None:
    names = [one.name for one in in_order_of_choice(LADDER)]
    assert names == ["540p-h264", "240p-h264", "720p-h264", "original"]


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=8, unique=True))
def test_the_first_variant_is_the_best_that_fits_or_the_smallest(rates: list[int]) -> None:
    rungs = tuple(video(f"{rate}", bandwidth_bps=rate, average_bps=1) for rate in rates)
    first, *others = [one.bandwidth_bps for one in in_order_of_choice(rungs)]
    assert first == max((rate for rate in rates if rate <= FIRST_BPS), default=min(rates))
    assert others == sorted(set(rates) - {first})


def test_every_rendition_is_offered_with_what_a_player_decides_by() -> None:
    playlist = read(master_playlist(presented(*LADDER, audio())))
    offered = {name: attributes(tags["#EXT-X-STREAM-INF"]) for name, tags in playlist.entries}
    assert set(offered) == {f"{one.name}.m3u8" for one in LADDER}
    for one in LADDER:
        told = offered[f"{one.name}.m3u8"]
        assert int(told["BANDWIDTH"]) == one.bandwidth_bps + audio().bandwidth_bps
        assert int(told["AVERAGE-BANDWIDTH"]) == one.average_bps + audio().average_bps
        assert told["RESOLUTION"] == f"{one.width_px}x{one.height_px}"
        assert told["CODECS"] == "avc1.64001f,mp4a.40.2"


def test_a_silent_video_names_no_group() -> None:
    playlist = read(master_playlist(presented(video())))
    assert playlist.values("#EXT-X-MEDIA") == []
    (told,) = map(attributes, playlist.values("#EXT-X-STREAM-INF"))
    assert "AUDIO" not in told
    assert "SUBTITLES" not in told
    assert told["CODECS"] == "avc1.64001f"


def test_every_group_that_a_variant_names_has_members_of_one_default() -> None:
    second = audio("audio-opus", codec="opus", codecs="opus", channels=None, bandwidth_bps=200_000)
    playlist = read(master_playlist(presented(video(), audio(), second, captions=(ENGLISH,))))
    media = [attributes(value) for value in playlist.values("#EXT-X-MEDIA")]
    (told,) = map(attributes, playlist.values("#EXT-X-STREAM-INF"))
    assert {told["AUDIO"], told["SUBTITLES"]} == {one["GROUP-ID"] for one in media}
    assert [one["DEFAULT"] for one in media] == ["YES", "NO", "NO"]
    assert told["CODECS"] == "avc1.64001f,mp4a.40.2,opus"
    assert int(told["BANDWIDTH"]) == 3_200_000
    assert media[2]["LANGUAGE"] == "en"


def test_a_name_cannot_break_out_of_its_quotes() -> None:
    track = CaptionTrack(key=f"{VIDEO}/en.vtt", language="en", name='Say "hi"\n#EXT-X-ENDLIST')
    playlist = read(master_playlist(presented(video(), captions=(track,))))
    (told,) = map(attributes, playlist.values("#EXT-X-MEDIA"))
    assert told["NAME"] == "Say 'hi'#EXT-X-ENDLIST"
    assert playlist.values("#EXT-X-ENDLIST") == []


def test_every_playlist_that_the_master_names_is_in_the_package() -> None:
    texts = package_texts(presented(*LADDER, audio(), captions=(ENGLISH,), storyboard=storyboard()))
    playlist = read(texts["master.m3u8"])
    kinds = ("MEDIA", "I-FRAME-STREAM-INF", "IMAGE-STREAM-INF")
    told = [attributes(value) for kind in kinds for value in playlist.values(f"#EXT-X-{kind}")]
    named = [*(name for name, _ in playlist.entries), *(one["URI"] for one in told)]
    assert {*named, "master.m3u8", "manifest.mpd"} == set(texts)
    assert list(texts)[-1] == "master.m3u8"


def test_without_known_key_frames_no_playlist_of_them_is_offered() -> None:
    bare = video(segments=audio().segments)
    texts = package_texts(presented(bare))
    assert not [name for name in texts if "iframes" in name]
    assert "I-FRAME" not in texts["master.m3u8"]


def test_what_is_encrypted_has_neither_a_playlist_of_key_frames_nor_a_manifest() -> None:
    texts = package_texts(presented(video(key_name="k1"), audio(key_name="k1")))
    assert set(texts) == {"720p-h264.m3u8", "audio-aac.m3u8", "master.m3u8"}
    assert "I-FRAME" not in texts["master.m3u8"]


def media_of(*renditions: Any, captions: tuple[CaptionTrack, ...] = ()) -> list[dict[str, str]]:
    playlist = read(master_playlist(presented(*renditions, captions=captions)))
    return [attributes(value) for value in playlist.values("#EXT-X-MEDIA")]


def test_sounds_have_names_that_differ_and_the_first_of_each_language_may_be_chosen_by_itself() -> None:
    told = media_of(
        video(),
        audio(language="en", label='The "film"'),
        audio("audio-aac-2", language="en", label='The "film"', default=False),
        audio("audio-aac-3", language="pt-BR", default=False),
        audio("audio-aac-4", default=False),
        audio("audio-aac-5", label="\n\t", default=False),
    )
    assert [one["NAME"] for one in told] == [
        "The 'film'",
        "The 'film' (2)",
        "pt-BR",
        "audio-aac-4",
        "audio-aac-5",
    ]
    assert [one.get("LANGUAGE") for one in told] == ["en", "en", "pt-BR", None, None]
    assert [one["DEFAULT"] for one in told] == ["YES", "NO", "NO", "NO", "NO"]
    assert [one["AUTOSELECT"] for one in told] == ["YES", "NO", "YES", "YES", "NO"]


@pytest.mark.parametrize("tag", ["und", "", "x", "english language", 'en"', "e\u0301n", "en_US"])
def test_what_is_no_language_tag_is_not_told(tag: str) -> None:
    (told,) = media_of(video(), audio(language=tag))
    assert "LANGUAGE" not in told
    assert told["NAME"] == "audio-aac"


@given(st.lists(st.text(max_size=200), min_size=1, max_size=6))
def test_whatever_sounds_are_called_their_names_are_a_playlist_s_and_differ(labels: list[str]) -> None:
    sounds = [audio(f"audio-aac-{number}", label=label) for number, label in enumerate(labels)]
    names = [one["NAME"] for one in media_of(video(), *sounds)]
    assert len(set(names)) == len(names) == len(labels)
    assert all(name.isprintable() and 0 < len(name) <= 110 for name in names)


def test_the_range_of_light_is_told_and_hdr_is_not_what_a_player_begins_with() -> None:
    hdr = video("2160p-hevc", codecs="hvc1.2.4.L153.B0", video_range="PQ", bandwidth_bps=900_000)
    playlist = read(master_playlist(presented(hdr, *LADDER)))
    told = [(name, attributes(tags["#EXT-X-STREAM-INF"])["VIDEO-RANGE"]) for name, tags in playlist.entries]
    assert told[0] == ("540p-h264.m3u8", "SDR")
    assert dict(told)["2160p-hevc.m3u8"] == "PQ"
    ranges = [attributes(one)["VIDEO-RANGE"] for one in playlist.values("#EXT-X-I-FRAME-STREAM-INF")]
    assert sorted(ranges) == ["PQ", "SDR", "SDR", "SDR", "SDR"]


def test_one_content_has_one_fingerprint_and_another_has_another() -> None:
    texts = package_texts(presented(video(), audio()))
    assert fingerprint(texts) == fingerprint(dict(reversed(texts.items())))
    assert len(fingerprint(texts)) == 16
    others = (presented(video()), presented(video(), audio(), storyboard=storyboard()))
    found = {fingerprint(texts), *(fingerprint(package_texts(one)) for one in others)}
    assert len(found) == 3


def test_a_name_and_its_text_do_not_run_into_one_another() -> None:
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})
