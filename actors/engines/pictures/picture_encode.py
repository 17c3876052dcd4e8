"""Pictures as files: JPEG, WebP and animated WebP, from uint8 (h, w, 3) sRGB arrays with even sides."""

from collections.abc import Iterable
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from actors.engines.pictures.tone_map import Rgb8

JPEG, WEBP = "image/jpeg", "image/webp"
_QSCALE_UNIT = 118  # FF_QP2LAMBDA
_TICKS_PER_SECOND = 1000


def jpeg(rgb: Rgb8, qscale: int = 4) -> bytes:
    """A JPEG file; `qscale` goes from 2 (best) to 31, 4 is about quality 85."""
    # JFIF: BT.601 at full range
    frame = VideoFrame.from_ndarray(rgb, "rgb24").reformat(
        format="yuvj420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.JPEG, threads=1
    )
    encoder = _encoder("mjpeg", rgb, "yuvj420p")
    encoder.color_range = ColorRange.JPEG
    encoder.qscale = True
    encoder.global_quality = _QSCALE_UNIT * qscale
    return _encoded(encoder, [frame])


def webp(rgb: Rgb8, quality: int = 80) -> bytes:
    """A WebP file; `quality` 0..100."""
    encoder = _encoder("libwebp", rgb, "bgra")
    encoder.options = {"quality": str(quality), "compression_level": "4"}
    return _encoded(encoder, [_bgra(rgb, 0)])


def animated_webp(pictures: Iterable[Rgb8], fps: float, quality: int = 55) -> bytes:
    """An endlessly looping WebP of pictures of one size."""
    frames = [_bgra(rgb, round(index * _TICKS_PER_SECOND / fps)) for index, rgb in enumerate(pictures)]
    encoder = av.CodecContext.create("libwebp_anim", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frames[0].width, frames[0].height, "bgra"
    encoder.time_base = Fraction(1, _TICKS_PER_SECOND)
    encoder.options = {"quality": str(quality), "compression_level": "2", "loop": "0"}
    return _encoded(encoder, frames)


def _bgra(rgb: Rgb8, pts: int) -> VideoFrame:
    """Libwebp converts to its own colours itself, and correctly."""
    frame = VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="bgra", threads=1)
    frame.pts = pts
    frame.time_base = Fraction(1, _TICKS_PER_SECOND)
    return frame


def _encoder(name: str, rgb: Rgb8, pix_fmt: str) -> VideoCodecContext:
    encoder = av.CodecContext.create(name, "w")
    if not isinstance(encoder, VideoCodecContext):
        raise TypeError(f"{name} is not a video encoder")
    encoder.height, encoder.width = rgb.shape[:2]
    encoder.pix_fmt = pix_fmt
    encoder.time_base = Fraction(1, _TICKS_PER_SECOND)
    encoder.thread_count = 1
    return encoder


def _encoded(encoder: VideoCodecContext, frames: Iterable[VideoFrame]) -> bytes:
    packets = [packet for frame in frames for packet in encoder.encode(frame)]
    return b"".join(bytes(packet) for packet in [*packets, *encoder.encode(None)])
