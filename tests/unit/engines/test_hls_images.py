from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.engines.packaging.hls_images import image_playlist
from actors.engines.packaging.hls_master import master_playlist
from actors.engines.packaging.image_track import interval_of, is_told, sheets_of, template_of
from actors.engines.packaging.texts import package_texts
from tests.unit.engines.presentations import VIDEO, attributes, presented, read, storyboard, video


def test_a_playlist_of_sheets_reads_like_this() -> None:
    board = storyboard(28, 0.5)
    assert image_playlist(presented(video(times=(0, 30000 * 14)), storyboard=board), board) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:13\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-IMAGES-ONLY\n"
        "#EXTINF:12.500000,\n"
        "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=5x5,DURATION=0.500000\n"
        "../../storyboard-1.jpg\n"
        "#EXTINF:1.500000,\n"
        "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=3x1,DURATION=0.500000\n"
        "../../storyboard-2.jpg\n"
        "#EXT-X-ENDLIST\n"
    )


def test_the_master_playlist_tells_of_it_behind_everything_else() -> None:
    playlist = read(master_playlist(presented(video(), storyboard=storyboard(25, 0.5))))
    assert playlist.tags[-1][0] == "#EXT-X-IMAGE-STREAM-INF"
    assert attributes(playlist.tags[-1][1]) == {
        "BANDWIDTH": "19200",
        "AVERAGE-BANDWIDTH": "19200",
        "RESOLUTION": "160x90",
        "CODECS": "jpeg",
        "URI": "storyboard.m3u8",
    }


@given(st.integers(1, 100), st.floats(0.01, 200), st.floats(0.001, 20_000))
def test_sheets_follow_one_another_and_the_last_ends_with_the_video(
    tiles: int, interval_seconds: float, duration_seconds: float
) -> None:
    board, end = storyboard(tiles, interval_seconds), Fraction(duration_seconds)
    sheets = sheets_of(board, end)
    starts, ends = [one.start_seconds for one in sheets], [one.end_seconds for one in sheets]
    assert starts == [0, *ends[:-1]]
    assert all(one.end_seconds > one.start_seconds for one in sheets)
    assert ends[-1] == end or end < starts[-1] + Fraction(1, 1000)
    assert sum(one.tiles_seconds for one in sheets) == tiles * interval_of(board)


UNTOLD: tuple[dict[str, Any], ...] = (
    {"tiles": 0},
    {"tiles": 25},
    {"tiles": 51},
    {"sheet_sizes_bytes": ()},
    {"sheet_sizes_bytes": (1, 2, 3)},
    {"sheet_keys": ()},
    {"sheet_keys": (f"{VIDEO}/a.jpg", f"{VIDEO}/b.jpg")},
    {"sheet_keys": (f"{VIDEO}/$1.jpg", f"{VIDEO}/$2.jpg")},
    {"interval_seconds": 0.0},
    {"columns": 0},
    {"rows": -5, "columns": -5},
    {"tile_width_px": 0},
)


@pytest.mark.parametrize("odd", UNTOLD)
def test_a_storyboard_of_which_not_enough_is_known_is_no_track(odd: dict[str, Any]) -> None:
    board = storyboard(28)
    assert is_told(board)
    assert not is_told(replace(board, **odd))
    assert package_texts(presented(video(), storyboard=replace(board, **odd))) == package_texts(
        presented(video())
    )


def test_the_number_of_a_sheet_is_the_last_in_its_name() -> None:
    assert "1" in VIDEO
    assert template_of(storyboard(1)) == f"{VIDEO}/storyboard-$Number$.jpg"
