"""Whole pictures from interlaced ones."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph
from av.video.frame import VideoFrame


def deinterlaced(frames: Iterator[VideoFrame], time_base: Fraction) -> Iterator[VideoFrame]:
    """The same frames with the same times; those that are flagged as interlaced are made whole.

    Films with a progressive title, and clips that change their size or format midway, are followed.
    `time_base` is that of frames that do not say theirs, as those that a decoder held to the end.
    """
    weaver: _Weaver | None = None
    for frame in frames:
        if weaver is not None and weaver.kind != _kind(frame):
            yield from weaver.last()
            weaver = None
        if weaver is None and not frame.interlaced_frame:
            yield frame
            continue
        frame.time_base = frame.time_base or time_base
        weaver = weaver or _Weaver(frame)
        yield from weaver.next(frame)
    if weaver is not None:
        yield from weaver.last()


class _Weaver:
    """The filter for frames of one kind. It holds the last one back, for it looks at their neighbours."""

    def __init__(self, like: VideoFrame) -> None:
        self.kind = _kind(like)
        self._graph = Graph()  # it owns both ends, so it has to live as long as they do
        arguments = f"video_size={like.width}x{like.height}:pix_fmt={like.format.name}"
        self._inlet: Any = self._graph.add(
            "buffer", f"{arguments}:time_base={like.time_base}:pixel_aspect=1/1"
        )
        filter_ = self._graph.add("bwdif", "mode=send_frame:deint=interlaced")
        self._outlet: Any = self._graph.add("buffersink")
        self._inlet.link_to(filter_)
        filter_.link_to(self._outlet)
        self._graph.configure()

    def next(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Yield what is whole now that this one came."""
        self._inlet.push(frame)
        return self._ready()

    def last(self) -> Iterator[VideoFrame]:
        """Yield what was held back."""
        self._inlet.push(None)
        return self._ready()

    def _ready(self) -> Iterator[VideoFrame]:
        try:
            while True:
                yield self._outlet.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _kind(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
