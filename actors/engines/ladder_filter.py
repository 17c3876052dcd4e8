"""One decoded frame in, the picture of every rung out: scaled, tone mapped, upright, 8 bit 4:2:0.

The largest rung is made first, and tone mapped and turned there; each next one is scaled from the one before.
That costs a fraction of scaling the source for each, and the difference does not show (bench/transcode.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.filter import Graph
from av.video.frame import VideoFrame

from actors.engines.hdr_lut import write_lut
from actors.engines.orientation import Orientation
from actors.engines.picture_color import Color, SourceColor
from actors.engines.picture_geometry import Size, turned

_UPRIGHT = {
    0: (),
    90: (("transpose", "clock"),),
    180: (("hflip", None), ("vflip", None)),
    270: (("transpose", "cclock"),),
}
_Step = tuple[str, str | None]


def source_color(frame: VideoFrame) -> SourceColor:
    """How this frame is stored."""
    tags = (int(frame.colorspace), int(frame.color_trc), int(frame.color_primaries), int(frame.color_range))
    name = frame.format.name
    return SourceColor.of(
        tags, height_px=frame.height, is_rgb=frame.format.is_rgb, is_jpeg=name.startswith("yuvj")
    )


@dataclass(slots=True)
class LadderFilter:
    """Makes the pictures of all rungs; a source that changes its size or format midway is followed."""

    sizes: Sequence[Size]
    """As displayed, the largest first."""
    orientation: Orientation
    color: Color
    """What the encoders were told: every picture is converted to it."""
    scratch: Path
    """A folder for a lookup table."""
    _made_for: tuple[object, ...] = field(default=(), init=False)
    _graph: Graph | None = field(default=None, init=False)
    """Owns both ends, but they do not keep it."""
    _inlet: Any = field(default=None, init=False)
    _outlets: list[Any] = field(default_factory=list, init=False)

    def pictures(self, frame: VideoFrame, number: int) -> list[VideoFrame]:
        """The frame as each rung shows it, with this number as its time."""
        kind = _kind(frame)
        if kind != self._made_for:
            self._build(frame)
            self._made_for = kind
        frame.pts, frame.time_base = number, Fraction(1, 1)
        self._inlet.push(frame)
        pictures = [outlet.pull() for outlet in self._outlets]
        for picture in pictures:
            picture.pict_type = 0  # the source's type would be an order to the encoder
        return pictures

    def _build(self, frame: VideoFrame) -> None:
        graph, color = Graph(), source_color(frame)
        self._inlet = last = graph.add("buffer", _inlet(frame, color))
        self._outlets = []
        for name, arguments in self._first_steps(frame, color):
            last = _linked(graph, last, name, arguments)
        for place, size in enumerate(self.sizes):
            if place:
                last = _linked(graph, last, "scale", f"w={size[0]}:h={size[1]}:flags=bicubic")
            if place + 1 < len(self.sizes):
                last = _linked(graph, last, "split", "2")
                self._outlets.append(_linked(graph, last, "buffersink", None))
                continue
            self._outlets.append(_linked(graph, last, "buffersink", None))
        graph.configure()
        self._graph = graph

    def _first_steps(self, frame: VideoFrame, color: SourceColor) -> list[_Step]:
        """From the source to the largest rung."""
        width, height = turned(self.sizes[0], sideways=self.orientation.sideways)
        scale = f"w={width}:h={height}:flags=bicubic"
        out = f"out_color_matrix={_matrix_name(self.color)}:out_range=tv"
        steps: list[_Step] = []
        if color.is_hdr:
            lut = write_lut(color.transfer, self.scratch / f"tone-{color.transfer}.cube")
            steps += [("scale", scale), ("format", "gbrp10le"), ("lut3d", f"file={lut}"), ("scale", out)]
        else:
            steps.append(("scale", f"{scale}:{out}"))
        flip: tuple[_Step, ...] = (("hflip", None),) if self.orientation.mirrored else ()
        turn = _UPRIGHT[self.orientation.rotation_degrees]
        return [*steps, ("format", "yuv420p"), *flip, *turn, ("setsar", "1")]


def _linked(graph: Graph, before: Any, name: str, arguments: str | None) -> Any:
    node = graph.add(name, arguments)
    # A split's second way is the one that goes on; its first was taken by an outlet.
    before.link_to(node, 1 if before.name.startswith("split") and name != "buffersink" else 0)
    return node


def _kind(frame: VideoFrame) -> tuple[object, ...]:
    return (
        frame.width,
        frame.height,
        frame.format.name,
        frame.colorspace,
        frame.color_range,
        frame.color_trc,
    )


def _inlet(frame: VideoFrame, color: SourceColor) -> str:
    span = "pc" if color.full_range else "tv"
    return (
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1"
        f":pixel_aspect=1/1:colorspace={color.matrix_name}:range={span}"
    )


def _matrix_name(color: Color) -> str:
    return SourceColor(
        color.matrix, color.transfer, color.primaries, full_range=False, is_rgb=False
    ).matrix_name
