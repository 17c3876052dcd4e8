"""A decoded frame as an upright picture in standard dynamic range."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation

from actors.engines.clip.orientation import Orientation
from actors.engines.clip.picture_geometry import Size, turned
from actors.engines.pictures.tone_map import Rgb8, is_hdr, tone_mapped

_UNSPECIFIED = 2
_HD_HEIGHT_PX = 720
_TURNS_FOR_DEGREES = {0: 0, 90: 3, 180: 2, 270: 1}  # numpy turns counter-clockwise


@dataclass(frozen=True, slots=True)
class Still:
    """A frame scaled down as it is stored: not yet turned, its dynamic range not yet mapped."""

    rgb: Any
    """uint8 (h, w, 3), or uint16 when the transfer is PQ or HLG."""
    transfer: int

    def upright(self, orientation: Orientation) -> Rgb8:
        """The picture as displayed: uint8 (h, w, 3), sRGB."""
        flat = tone_mapped(self.rgb, self.transfer) if is_hdr(self.transfer) else self.rgb
        flipped = flat[:, ::-1] if orientation.mirrored else flat
        return np.ascontiguousarray(np.rot90(flipped, _TURNS_FOR_DEGREES[orientation.rotation_degrees]))


def still(frame: VideoFrame, displayed: Size, orientation: Orientation) -> Still:
    """The frame scaled to a displayed size. Scaling comes first: mapping is dear and pictures are large."""
    width, height = turned(displayed, sideways=orientation.sideways)
    transfer = int(frame.color_trc)
    scaled = frame.reformat(
        width=width,
        height=height,
        format="rgb48le" if is_hdr(transfer) else "rgb24",
        src_colorspace=_matrix(frame),
        interpolation=Interpolation.BICUBIC,
        threads=1,
    )
    return Still(scaled.to_ndarray(), transfer)


def resized(rgb: Rgb8, size: Size) -> Rgb8:
    """An upright picture at another size."""
    if (rgb.shape[1], rgb.shape[0]) == size:
        return rgb
    frame = VideoFrame.from_ndarray(rgb, "rgb24")
    scaled = frame.reformat(width=size[0], height=size[1], interpolation=Interpolation.BICUBIC, threads=1)
    array: Any = scaled.to_ndarray()
    return np.asarray(array, np.uint8)


def _matrix(frame: VideoFrame) -> int | None:
    """The matrix to decode with: untagged high definition is BT.709, or its greens would be off."""
    untagged = frame.colorspace in {0, _UNSPECIFIED} and not frame.format.is_rgb
    return Colorspace.ITU709 if untagged and frame.height >= _HD_HEIGHT_PX else None
