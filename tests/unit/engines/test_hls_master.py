from hypothesis import given
from hypothesis import strategies as st

from actors.engines.hls_master import FIRST_BPS, in_order_of_choice, master_playlist
from actors.engines.packaging import package_texts
from actors.engines.presentation import CaptionTrack
from tests.unit.engines.presentations import ENGLISH, FOLDER, VIDEO, attributes, audio, presented, read, video

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
        'CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"\n'
        "720p-h264.m3u8\n"
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=360,AVERAGE-BANDWIDTH=216,CODECS="avc1.64001f",'
        'RESOLUTION=1280x720,URI="720p-h264.iframes.m3u8"\n'
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
    texts = package_texts(presented(*LADDER, audio(), captions=(ENGLISH,)))
    playlist = read(texts[f"{FOLDER}/master.m3u8"])
    media, frames = (playlist.values(f"#EXT-X-{kind}") for kind in ("MEDIA", "I-FRAME-STREAM-INF"))
    named = [*(name for name, _ in playlist.entries), *(attributes(one)["URI"] for one in (*media, *frames))]
    assert {f"{FOLDER}/{name}" for name in named} | {
        f"{FOLDER}/master.m3u8",
        f"{FOLDER}/manifest.mpd",
    } == set(texts)
    assert list(texts)[-1] == f"{FOLDER}/master.m3u8"


def test_without_known_key_frames_no_playlist_of_them_is_offered() -> None:
    bare = video(segments=audio().segments)
    texts = package_texts(presented(bare))
    assert not [name for name in texts if "iframes" in name]
    assert "I-FRAME" not in texts[f"{FOLDER}/master.m3u8"]
