"""What is known about a clip: values that messages, rows and API answers share.

Field names on the wire are those of the public API; inside Python each name carries its unit.
Struct fields are additive: a new one has a default, none is ever renamed or removed.
"""

from typing import Literal

import h3
import msgspec

Hdr = Literal["hdr10", "hlg", "dolby_vision"]
VideoRange = Literal["SDR", "HLG", "PQ"]
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
    """Sprite sheets of evenly spaced tiles and the WebVTT map that players read.

    Tiles lie in rows, from the left to the right and downwards; only the last sheet may have fewer of them,
    and is only as large as they need.
    """

    vtt_key: str
    sheet_keys: tuple[str, ...]
    tile_width_px: int = msgspec.field(name="tile_width")
    tile_height_px: int = msgspec.field(name="tile_height")
    interval_seconds: float = msgspec.field(name="interval")
    columns: int = 5
    """Of a sheet that is full."""
    rows: int = 5
    tiles: int = 0
    """On all sheets together; 0 when it was not written down."""
    sheet_sizes_bytes: tuple[int, ...] = msgspec.field(name="sheet_sizes", default=())
    """Of each sheet; empty when they were not written down."""


class Rung(Value, frozen=True, kw_only=True):
    """One size of the ladder that is to be encoded. Square pixels, even numbers, as displayed."""

    name: str
    """What it is called in keys: `720p-h264`."""
    codec: str
    """`h264`, `hevc`, `av1` or `vp9`."""
    width_px: int = msgspec.field(name="width")
    height_px: int = msgspec.field(name="height")
    bitrate_bps: int = msgspec.field(name="bitrate")
    video_range: VideoRange = "SDR"
    """Anything else is made in 10 bits of BT.2020, as the source has it: only what is SDR is tone mapped."""


class Timeline(Value, frozen=True, kw_only=True):
    """The frames that every rung of a video has, and where they are cut: so pieces made apart fit together.

    Frame n is shown for `fps_den / fps_num` seconds from n times that. Groups of pictures, segments and
    chunks each hold so many frames, the last of each maybe fewer; a segment is whole groups, a chunk whole
    segments.
    """

    fps_num: int
    fps_den: int
    frames: int
    gop_frames: int
    segment_frames: int
    chunk_frames: int

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.fps_num / self.fps_den

    @property
    def chunks(self) -> int:
        """How many chunks there are, the last one maybe shorter."""
        return -(-self.frames // self.chunk_frames)

    def chunk(self, number: int) -> tuple[int, int]:
        """Return the first frame of a chunk and how many it has. Raises IndexError."""
        if not 0 <= number < self.chunks:
            raise IndexError(f"chunk {number} of {self.chunks}")
        first = number * self.chunk_frames
        return first, min(self.chunk_frames, self.frames - first)


class MediaSegment(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A piece of a rendition under a key of its own. Times count in the rendition's timescale.

    Written as an array, for there are many: a new field comes last and has a default.
    """

    time: int
    """Of its first sample, from the beginning of the video (base media decode time)."""
    duration: int
    size_bytes: int
    iframes: tuple[tuple[int, int, int], ...] = ()
    """Offset and size in bytes, and time, of the part of each key frame, for the playlist of them."""


class Rendition(Value, frozen=True, kw_only=True):
    """A way to play a video, or its sound, as CMAF segments."""

    name: str
    """`original`, `720p-h264`, `audio-aac`: part of its keys."""
    kind: Literal["video", "audio"]
    codec: str
    codecs: str
    """For playlists (RFC 6381): `avc1.64001f`."""
    width_px: int | None = msgspec.field(name="width", default=None)
    height_px: int | None = msgspec.field(name="height", default=None)
    fps: float | None = None
    sample_rate_hz: int | None = msgspec.field(name="sample_rate", default=None)
    channels: int | None = None
    video_range: VideoRange = "SDR"
    """How the values of its picture mean light: as players are told (RFC 8216bis, VIDEO-RANGE)."""
    language: str | None = None
    """What is spoken, of a sound: BCP 47."""
    label: str | None = None
    """What its source calls a sound."""
    default: bool = True
    """Whether a sound is what is heard unless a viewer chooses."""
    key_name: str | None = None
    """Names the key that its segments are encrypted with; None when they are not."""
    bandwidth_bps: int = msgspec.field(name="bandwidth")
    """Of its most expensive segment (RFC 8216, section 4.3.4.2)."""
    average_bps: int = msgspec.field(name="average_bandwidth")
    timescale: int
    """Units per second of the times in `segments`."""
    init_key: str
    segments: tuple[MediaSegment, ...]

    @property
    def duration_seconds(self) -> float:
        """How long it plays."""
        return sum(segment.duration for segment in self.segments) / self.timescale
