"""One rung of one chunk: an encoder of its own, and the muxer that cuts its packets into segments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.frame import VideoFrame

from actors.engines.cmaf.segment_writer import MUXER, Cut, SegmentWriter
from actors.engines.cmaf.track import Track
from actors.engines.encoding.mastering import Mastering
from actors.engines.encoding.picture_color import Color
from actors.engines.encoding.rung_options import encoder_name, encoder_options, pixel_format
from subjects.media import Rung, Timeline

_LIMITED_RANGE = 1


@dataclass(slots=True)
class RungEncoder:
    """Frames in, segments out. Use it in `with`; after `finish` the files are complete."""

    rung: Rung
    timeline: Timeline
    first_frame: int
    out_dir: Path
    color: Color
    preset: str
    threads: int
    mastering: Mastering | None = None
    _writer: SegmentWriter = field(init=False)
    _container: Any = field(init=False)
    _stream: Any = field(init=False)

    def __enter__(self) -> Self:
        line = self.timeline
        self._writer = SegmentWriter(
            self.out_dir / self.rung.name,
            _cut(line),
            decode_time=self.first_frame * line.fps_den,
            sequence=self.first_frame // line.gop_frames + 1,
        )
        options = {**MUXER, "video_track_timescale": str(line.fps_num)}
        self._container = av.open(self._writer, "w", format="mp4", options=options)
        self._stream = self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def encode(self, picture: VideoFrame) -> None:
        """Take the next picture, whose time is its number in the output timeline."""
        picture.pts = (picture.pts or 0) - self.first_frame
        picture.time_base = Fraction(self.timeline.fps_den, self.timeline.fps_num)
        self._container.mux(self._stream.encode(picture))

    def finish(self, tick: Callable[[], None]) -> Track:
        """Write what the encoder still holds; `tick` is called for each packet of it."""
        for packet in self._stream.codec_context.encode_lazy(None):
            packet.stream = self._stream
            self._container.mux(packet)
            tick()
        self._container.close()
        return self._writer.finish(self.rung.name)

    @property
    def frames(self) -> int:
        """How many frames are in the finished segments."""
        return self._writer.samples

    def _opened(self) -> Any:
        rate = Fraction(self.timeline.fps_num, self.timeline.fps_den)
        options = encoder_options(self.rung, self.timeline, self.preset, self.mastering)
        stream: Any = self._container.add_stream(encoder_name(self.rung), rate=rate, options=options)
        context = stream.codec_context
        context.width, context.height = self.rung.width_px, self.rung.height_px
        context.pix_fmt = pixel_format(self.rung)
        context.time_base, context.framerate = 1 / rate, rate
        context.sample_aspect_ratio = Fraction(1)
        context.gop_size = self.timeline.gop_frames
        context.color_range = _LIMITED_RANGE
        context.color_primaries, context.color_trc = self.color.primaries, self.color.transfer
        context.colorspace = self.color.matrix
        context.thread_count = self.threads
        if self.rung.codec == "hevc":
            context.codec_tag = "hvc1"  # the only one that Apple's players take
        return stream


def _cut(line: Timeline) -> Cut:
    seconds = line.fps_den / line.fps_num
    return Cut(
        longest_seconds=line.segment_frames * seconds,
        shortest_seconds=line.segment_frames * seconds,
        iframe_seconds=0.0,
    )
