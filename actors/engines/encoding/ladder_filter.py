"""One decoded frame in, the picture of every rung out: scaled, tone mapped, upright, 8 bit 4:2:0.

The largest rung is made first, and tone mapped and turned there; each next one is scaled from the one before.
That costs a fraction of scaling the source for each, and the difference does not show (bench/transcode.py).
Rungs of high dynamic range leave before the tone mapping: 10 bits, in the range the source has.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.filter import Graph
from av.video.frame import VideoFrame

from actors.engines.clip.orientation import Orientation
from actors.engines.clip.picture_geometry import Size, turned
from actors.engines.encoding.hdr_lut import write_lut, write_narrowing_lut
from actors.engines.encoding.picture_color import Color, SourceColor

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
    deep_sizes: Sequence[Size] = ()
    """Those of rungs of high dynamic range. Their pictures come after the others."""
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
        self._inlet = graph.add("buffer", _inlet(frame, color))
        both = bool(self.sizes) and bool(self.deep_sizes)
        source = _linked(graph, self._inlet, "split", "2") if both else self._inlet
        plain = self._chain(graph, (source, 0), self.sizes, lambda: self._first_steps(color))
        deep = self._chain(graph, (source, int(both)), self.deep_sizes, self._deep_steps)
        self._outlets = [*plain, *deep]
        graph.configure()
        self._graph = graph

    def _chain(
        self, graph: Graph, source: tuple[Any, int], sizes: Sequence[Size], first: Callable[[], list[_Step]]
    ) -> list[Any]:
        """Add what makes these sizes of the source, a node and one of its ways out; return their ends."""
        if not sizes:
            return []
        outlets, (last, way) = [], source
        for name, arguments in first():
            last, way = _linked(graph, last, name, arguments, way), 0
        for size in sizes[1:]:
            fork = _linked(graph, last, "split", "2")
            outlets.append(_linked(graph, fork, "buffersink", None))
            last = _linked(graph, fork, "scale", f"w={size[0]}:h={size[1]}:flags=bicubic", 1)
        return [*outlets, _linked(graph, last, "buffersink", None)]

    def _deep_steps(self) -> list[_Step]:
        """From the source to the largest rung of high dynamic range."""
        width, height = turned(self.deep_sizes[0], sideways=self.orientation.sideways)
        scale = f"w={width}:h={height}:flags=bicubic:out_color_matrix=bt2020nc:out_range=tv"
        return [("scale", scale), ("format", "yuv420p10le"), *self._upright()]

    def _first_steps(self, color: SourceColor) -> list[_Step]:
        """From the source to the largest rung of standard range."""
        width, height = turned(self.sizes[0], sideways=self.orientation.sideways)
        scale = f"w={width}:h={height}:flags=bicubic"
        out = f"out_color_matrix={_matrix_name(self.color)}:out_range=tv"
        steps: list[_Step] = []
        lut = self._lut(color)
        if lut is not None:
            mapped = ("lut3d", f"file={escaped(str(lut))}")
            steps += [("scale", scale), ("format", "gbrp10le"), mapped, ("scale", out)]
        else:
            steps.append(("scale", f"{scale}:{out}"))
        return [*steps, ("format", "yuv420p"), *self._upright()]

    def _lut(self, color: SourceColor) -> Path | None:
        """Write the table that this source needs; none for colours that are only stored otherwise."""
        if color.is_hdr:
            return write_lut(color.transfer, self.scratch / f"tone-{color.transfer}.cube")
        return write_narrowing_lut(self.scratch / "narrow.cube") if color.is_wide else None

    def _upright(self) -> list[_Step]:
        flip: tuple[_Step, ...] = (("hflip", None),) if self.orientation.mirrored else ()
        return [*flip, *_UPRIGHT[self.orientation.rotation_degrees], ("setsar", "1")]


def escaped(value: str) -> str:
    """Return a value as libavfilter reads it back from a list of options, whatever is in it."""
    return re.sub(r"([^A-Za-z0-9/._-])", r"\\\1", value)


def _linked(graph: Graph, before: Any, name: str, arguments: str | None, way: int = 0) -> Any:
    node = graph.add(name, arguments)
    before.link_to(node, way)
    return node


def _kind(frame: VideoFrame) -> tuple[object, ...]:
    return (
        frame.width,
        frame.height,
        frame.format.name,
        frame.colorspace,
        frame.color_range,
        frame.color_trc,
        frame.color_primaries,
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
