import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.engines.packaging.hls_playlists import (
    captions_playlist,
    decimal_durations,
    iframe_playlist,
    key_frame_rates_bps,
    key_frames,
    media_playlist,
)
from subjects.media import MediaSegment, Rendition
from tests.unit.engines.presentations import (
    ENGLISH,
    RENDITIONS,
    TIMES,
    attributes,
    audio,
    init_key,
    presented,
    read,
    segments_at,
    video,
)

EVERY_PLAYLIST = pytest.mark.parametrize("write", [media_playlist, iframe_playlist])


def test_a_media_playlist_reads_like_this() -> None:
    rung = video()
    assert media_playlist(presented(rung), rung) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:4\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="../720p-h264/init.mp4"\n'
        "#EXTINF:4.004000,\n"
        "../720p-h264/0.m4s\n"
        "#EXTINF:4.004000,\n"
        "../720p-h264/120120.m4s\n"
        "#EXTINF:2.002000,\n"
        "../720p-h264/240240.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_a_playlist_of_encrypted_segments_names_their_key_behind_what_is_clear() -> None:
    name = "0123456789abcdef"
    folder = init_key("720p-h264").removesuffix("init.mp4") + name
    plain = tuple(replace(one, iframes=()) for one in segments_at([0, 120120, 240240]))
    rung = video(init_key=f"{folder}/init.mp4", key_name=name, segments=plain)
    assert media_playlist(presented(rung), rung) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:4\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        f'#EXT-X-MAP:URI="../720p-h264/{name}/init.mp4"\n'
        f'#EXT-X-KEY:METHOD=AES-128,URI="../720p-h264/{name}.key"\n'
        "#EXTINF:4.004000,\n"
        f"../720p-h264/{name}/0.m4s\n"
        "#EXTINF:4.004000,\n"
        f"../720p-h264/{name}/120120.m4s\n"
        "#EXT-X-ENDLIST\n"
    )
    assert key_frames(rung) == []


def test_a_playlist_of_key_frames_reads_like_this() -> None:
    frames = ((0, 900, 0), (5000, 800, 50))
    rung = video(timescale=25, segments=(MediaSegment(time=0, duration=75, size_bytes=9000, iframes=frames),))
    assert iframe_playlist(presented(rung), rung) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-I-FRAMES-ONLY\n"
        '#EXT-X-MAP:URI="../720p-h264/init.mp4"\n'
        "#EXTINF:2.000000,\n"
        "#EXT-X-BYTERANGE:900@0\n"
        "../720p-h264/0.m4s\n"
        "#EXTINF:1.000000,\n"
        "#EXT-X-BYTERANGE:800@5000\n"
        "../720p-h264/0.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


@EVERY_PLAYLIST
@given(RENDITIONS)
def test_no_duration_exceeds_the_target_when_rounded(write: object, rung: Rendition) -> None:
    playlist = read(write(presented(rung), rung))  # type: ignore[operator]
    target = int(playlist.value("#EXT-X-TARGETDURATION"))
    rounded = [int(Fraction(text) + Fraction(1, 2)) for text in playlist.durations]
    assert target == max(1, *rounded)


@given(RENDITIONS)
def test_every_segment_is_listed_once_and_in_order(rung: Rendition) -> None:
    playlist = read(media_playlist(presented(rung), rung))
    assert [name for name, _ in playlist.entries] == [
        f"../{rung.name}/{segment.time}.m4s" for segment in rung.segments
    ]


@EVERY_PLAYLIST
@given(RENDITIONS)
def test_tags_stand_where_the_standard_wants_them(write: object, rung: Rendition) -> None:
    playlist = read(write(presented(rung), rung))  # type: ignore[operator]
    names = [name for name, _ in playlist.tags]
    for once in ("VERSION", "TARGETDURATION", "MEDIA-SEQUENCE", "PLAYLIST-TYPE", "ENDLIST", "MAP"):
        assert names.count(f"#EXT-X-{once}") == 1
    assert names[-1] == "#EXT-X-ENDLIST"
    assert names.index("#EXT-X-MEDIA-SEQUENCE") < names.index("#EXTINF")
    assert names.index("#EXT-X-MAP") < names.index("#EXTINF")
    assert playlist.value("#EXT-X-PLAYLIST-TYPE") == "VOD"
    assert attributes(playlist.value("#EXT-X-MAP")) == {"URI": f"../{rung.name}/init.mp4"}


@given(TIMES, st.sampled_from([1, 30, 30000, 44100, 90000]))
def test_durations_never_drift_from_the_media(times: tuple[int, ...], timescale: int) -> None:
    texts = decimal_durations(times, timescale)
    assert all(re.fullmatch(r"\d+\.\d{6}", text) for text in texts)
    elapsed = Fraction(0)
    for text, end in zip(texts, times[1:], strict=True):
        elapsed += Fraction(text)
        assert abs(elapsed - Fraction(end - times[0], timescale)) <= Fraction(1, 1_000_000)


@given(RENDITIONS)
def test_key_frames_last_as_long_as_the_rendition(rung: Rendition) -> None:
    whole, keys = (read(write(presented(rung), rung)) for write in (media_playlist, iframe_playlist))
    lengths = [sum(map(Fraction, playlist.durations)) for playlist in (whole, keys)]
    assert lengths[0] == lengths[1]
    assert {tags["#EXT-X-BYTERANGE"] for _, tags in keys.entries} == {"90@0"}
    assert all(float(text) >= 1 for text in keys.durations[:-1])
    listed = [name for name, _ in whole.entries]
    assert [name for name in listed if name in {name for name, _ in keys.entries}] == [
        name for name, _ in keys.entries
    ]


@given(RENDITIONS)
def test_what_key_frames_take_is_never_announced_too_low(rung: Rendition) -> None:
    peak, average = key_frame_rates_bps(rung)
    assert 0 < average <= peak
    for one in key_frames(rung):
        assert peak >= Fraction(8 * one.size_bytes * rung.timescale, one.end - one.start)


def test_a_segment_lasts_until_the_next_one_begins() -> None:
    with_gap = (*segments_at([0, 100]), *segments_at([150, 250]))
    rung = video(timescale=100, segments=with_gap)
    assert read(media_playlist(presented(rung), rung)).durations == ["1.500000", "1.000000"]


def test_captions_are_one_file_as_long_as_the_video() -> None:
    playlist = read(captions_playlist(presented(video(), audio(), captions=(ENGLISH,)), ENGLISH))
    assert playlist.entries == [("../../captions/en.vtt", playlist.entries[0][1])]
    assert playlist.durations == ["10.010000"]
    assert playlist.values("#EXT-X-MAP") == []


@pytest.mark.parametrize("times", [[(0, 0)], [(100, 50), (0, 50)], [(0, 50), (0, 50)]])
def test_segments_out_of_order_are_refused(times: list[tuple[int, int]]) -> None:
    segments = tuple(MediaSegment(time=time, duration=length, size_bytes=1) for time, length in times)
    with pytest.raises(ValueError, match="not in order"):
        presented(replace(video(), segments=segments))


def test_without_segments_or_a_picture_there_is_nothing_to_play() -> None:
    with pytest.raises(ValueError, match="no segments"):
        presented(replace(video(), segments=()))
    with pytest.raises(ValueError, match="no video"):
        presented(audio())
