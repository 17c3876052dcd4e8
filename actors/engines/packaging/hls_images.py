"""A storyboard in HLS: sheets of tiles that a player shows while its viewer seeks. Pure.

"Image Media Playlist for HLS", version 0.4 (https://github.com/image-media-playlist/spec), which the players
of Roku, THEO and Shaka know. Others ignore its tags, as RFC 8216 (section 6.3.1) wants.
"""

from fractions import Fraction
from typing import Final

from actors.engines.packaging.hls_playlists import VERSION, decimal_durations
from actors.engines.packaging.image_track import Sheet, average_bps, interval_of, largest_bps, sheets_of
from actors.engines.packaging.presentation import Presentation
from subjects.media import Storyboard

IMAGES: Final = "storyboard.m3u8"
_MICROSECONDS: Final = 1_000_000


def images_of(presentation: Presentation, storyboard: Storyboard) -> str:
    """Return the tag of the master playlist that names the playlist of a storyboard's sheets."""
    sheets = sheets_of(storyboard, presentation.duration_seconds)
    attributes = [
        f"BANDWIDTH={largest_bps(sheets)}",
        f"AVERAGE-BANDWIDTH={average_bps(sheets)}",
        f"RESOLUTION={storyboard.tile_width_px}x{storyboard.tile_height_px}",
        'CODECS="jpeg"',
        f'URI="{IMAGES}"',
    ]
    return f"#EXT-X-IMAGE-STREAM-INF:{','.join(attributes)}"


def image_playlist(presentation: Presentation, storyboard: Storyboard) -> str:
    """Return the playlist of the sheets. Each says its own layout: the last one may have fewer tiles."""
    sheets = sheets_of(storyboard, presentation.duration_seconds)
    ends = [Fraction(0), *(sheet.end_seconds for sheet in sheets)]
    seconds = decimal_durations([round(end * _MICROSECONDS) for end in ends], _MICROSECONDS)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{max(max(1, int(float(text) + 0.5)) for text in seconds)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-IMAGES-ONLY",
        *(
            f"#EXTINF:{text},\n{_tiles(storyboard, sheet)}\n{presentation.reference(sheet.key)}"
            for text, sheet in zip(seconds, sheets, strict=True)
        ),
        "#EXT-X-ENDLIST",
    ]
    return "\n".join(lines) + "\n"


def _tiles(storyboard: Storyboard, sheet: Sheet) -> str:
    size = f"{storyboard.tile_width_px}x{storyboard.tile_height_px}"
    (interval,) = decimal_durations([0, round(interval_of(storyboard) * _MICROSECONDS)], _MICROSECONDS)
    return f"#EXT-X-TILES:RESOLUTION={size},LAYOUT={sheet.columns}x{sheet.rows},DURATION={interval}"
