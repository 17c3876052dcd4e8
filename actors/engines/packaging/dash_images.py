"""A storyboard in DASH: sheets of tiles that a player shows while its viewer seeks. Pure.

DASH-IF Interoperability Points, version 4.3, section 6.2.6: each sheet is a segment, and a grid of tiles.
"""

from typing import Final
from xml.etree.ElementTree import Element, SubElement

from actors.engines.packaging.image_track import interval_of, largest_bps, sheets_of, template_of
from actors.engines.packaging.presentation import Presentation
from subjects.media import Storyboard

_TILES: Final = "http://dashif.org/guidelines/thumbnail_tile"
_MICROSECONDS: Final = 1_000_000
_JPEG: Final = "image/jpeg"


def images_set(presentation: Presentation, storyboard: Storyboard) -> Element:
    """Return the AdaptationSet of a storyboard's sheets.

    All are told to be as long and as large as the first: players find a tile by division, and where it is on
    the sheet does not depend on how many follow it there.
    """
    sheets = sheets_of(storyboard, presentation.duration_seconds)
    columns, rows = sheets[0].columns, sheets[0].rows
    group = Element("AdaptationSet", contentType="image", mimeType=_JPEG)
    SubElement(
        group,
        "SegmentTemplate",
        timescale=str(_MICROSECONDS),
        duration=str(round(interval_of(storyboard) * _MICROSECONDS) * columns * rows),
        startNumber="1",
        endNumber=str(len(sheets)),
        media=presentation.reference(template_of(storyboard)),
    )
    one = SubElement(
        group,
        "Representation",
        id="storyboard",
        bandwidth=str(largest_bps(sheets)),
        width=str(columns * storyboard.tile_width_px),
        height=str(rows * storyboard.tile_height_px),
    )
    SubElement(one, "EssentialProperty", schemeIdUri=_TILES, value=f"{columns}x{rows}")
    return group
