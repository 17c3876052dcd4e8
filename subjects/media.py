"""What is known about a clip: values that messages, rows and API answers share.

Field names on the wire are those of the public API; inside Python each name carries its unit.
Struct fields are additive: a new one has a default, none is ever renamed or removed.
"""

from typing import Literal

import h3
import msgspec

Hdr = Literal["hdr10", "hlg", "dolby_vision"]
LocationSource = Literal["user", "container"]

CELL_RESOLUTION = 9
"""H3 resolution of a video's published cell: hexagons of about 0.1 km2 (h3geo.org, cell statistics)."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value without identity. Unknown fields are ignored, so an old reader meets a new writer."""


class AudioTrack(Value, frozen=True, kw_only=True):
    """The first audio track of a clip."""

    codec: str
    channels: int
    sample_rate_hz: int = msgspec.field(name="sample_rate")


class Metadata(Value, frozen=True, kw_only=True):
    """What a clip is made of. `width_px` and `height_px` are as displayed, after rotation."""

    duration_seconds: float = msgspec.field(name="duration")
    format: str
    size_bytes: int = msgspec.field(name="size")
    width_px: int = msgspec.field(name="width")
    height_px: int = msgspec.field(name="height")
    fps: float
    codec: str
    bitrate_bps: int = msgspec.field(name="bitrate")
    rotation_degrees: int = msgspec.field(name="rotation", default=0)
    """Clockwise turn that shows the stored picture upright: 0, 90, 180 or 270."""
    mirrored: bool = False
    """True when the display matrix also flips the picture left to right (before the turn)."""
    hdr: Hdr | None = None
    """The kind of the picture that every decoder sees; None is standard dynamic range."""
    dolby_vision: bool = False
    """Whether a Dolby Vision configuration comes with it."""
    audio: AudioTrack | None = None


class Location(Value, frozen=True, kw_only=True):
    """A point on the WGS 84 ellipsoid in degrees, and who said so."""

    lat: float
    lng: float
    source: LocationSource

    @property
    def h3_cell(self) -> str:
        """The H3 cell of this point at `CELL_RESOLUTION`, as 15 hex digits."""
        return str(h3.latlng_to_cell(self.lat, self.lng, CELL_RESOLUTION))


class Picture(Value, frozen=True, kw_only=True):
    """A still picture in object storage."""

    key: str
    content_type: str
    width_px: int = msgspec.field(name="width")
    height_px: int = msgspec.field(name="height")


class Frame(Value, frozen=True, kw_only=True):
    """A frame of the clip that was kept for later actors, as an upright JPEG."""

    key: str
    at_seconds: float = msgspec.field(name="at")
    score: float
    """How good a picture it is, 0 (useless) to 1 (sharp, well exposed, varied)."""


class Storyboard(Value, frozen=True, kw_only=True):
    """Sprite sheets of evenly spaced tiles and the WebVTT map that players read."""

    vtt_key: str
    sheet_keys: tuple[str, ...]
    tile_width_px: int = msgspec.field(name="tile_width")
    tile_height_px: int = msgspec.field(name="tile_height")
    interval_seconds: float = msgspec.field(name="interval")
