"""Whole pictures from interlaced ones."""

from collections.abc import Iterator
from typing import Any

import av
from av.filter import Graph
from av.video.frame import VideoFrame


def deinterlaced(frames: Iterator[VideoFrame], like: VideoFrame) -> Iterator[VideoFrame]:
    """The same frames with the same times; those that are flagged as interlaced are made whole.

    Frames that differ from `like` in size or format pass as they are.
    """
    graph, inlet, outlet = _graph(like)
    kind = (like.width, like.height, like.format.name)
    for frame in frames:
        if (frame.width, frame.height, frame.format.name) != kind:
            yield from _ready(outlet)
            yield frame
            continue
        inlet.push(frame)
        yield from _ready(outlet)
    inlet.push(None)
    yield from _ready(outlet)
    del graph  # it owns both ends, so it has to live until here


def _graph(like: VideoFrame) -> tuple[Graph, Any, Any]:
    graph, base = Graph(), like.time_base
    arguments = f"video_size={like.width}x{like.height}:pix_fmt={like.format.name}:time_base={base}"
    inlet: Any = graph.add("buffer", f"{arguments}:pixel_aspect=1/1")
    filter_ = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    outlet = graph.add("buffersink")
    inlet.link_to(filter_)
    filter_.link_to(outlet)
    graph.configure()
    return graph, inlet, outlet


def _ready(outlet: Any) -> Iterator[VideoFrame]:
    try:
        while True:
            yield outlet.pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return
