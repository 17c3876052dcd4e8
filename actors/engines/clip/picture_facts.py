"""What the ladder has to know of a clip's picture beyond its metadata, as an inspection says it."""

import msgspec

from subjects.warning import WarningCode


class PictureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The main video stream as it is stored, and how far its key frames lie apart."""

    stored_width_px: int
    """Before the rotation, and with whatever shape the pixels have."""
    stored_height_px: int
    pixel_aspect_num: int = 1
    """Width of a stored pixel by its height: 4:3 for anamorphic pictures, 1:1 when nothing is said."""
    pixel_aspect_den: int = 1
    fps_num: int
    """The measured frame rate as a fraction: 30000/1001. Both are positive."""
    fps_den: int
    duration_seconds: float
    """Of the picture: from the first frame's presentation to the end of the last one's."""
    pixel_format: str
    """libav's name: `yuv420p`, `yuv420p10le`."""
    profile: str | None = None
    """libav's name: `High`, `Constrained Baseline`, `High 4:2:2`."""
    interlaced: bool = False
    constant_rate: bool = True
    """Whether all frames last equally long, within the rounding of the container's clock."""
    longest_gop_seconds: float | None = None
    """The longest way from one key frame to the next or the end; None when the file was not read so far."""
    starts_with_key_frame: bool = True
    closed_gops: bool = True
    """Whether no frame before a key frame in display order needs it: then one can begin at any of them."""
    warnings: tuple[WarningCode, ...] = ()
    """What is wrong with the container, or with its times; the pictures themselves were not looked at."""
