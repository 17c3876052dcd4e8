"""Sound as CMAF segments that end where the pictures' segments do, as near as its own frames allow."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.packet import Packet

from actors.engines.cmaf.boxes import Fragment, Splitter, timescale
from actors.engines.cmaf.merge import merged
from actors.engines.cmaf.segment_writer import MUXER, written_track
from actors.engines.cmaf.track import Track, segment_name
from subjects.media import MediaSegment

_MUXER = {**MUXER, "movflags": MUXER["movflags"].replace("frag_keyframe", "frag_every_frame")}


class SoundWriter:
    """Mux packets whose times count samples from the video's beginning. Use it in `with`, then `finish`."""

    def __init__(self, folder: Path, segment_seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._segment_seconds = folder, segment_seconds
        self._splitter = Splitter()
        self._pending: list[Fragment] = []
        self._begin: int | None = None
        self._timescale = 0
        self._segments: list[MediaSegment] = []
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> Self:
        self._container = av.open(self, "w", format="mp4", options=_MUXER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def encoder(self, codec: str, rate_hz: int, layout: str, bitrate_bps: int) -> Any:
        """Add the track that an encoder makes; returns its stream."""
        self._stream = self._container.add_stream(codec, rate=rate_hz, layout=layout)
        self._stream.bit_rate = bitrate_bps
        return self._stream

    def copy_of(self, template: Any, config: bytes) -> None:
        """Add a track whose packets are copied, with the configuration of its decoder."""
        self._stream = self._container.add_stream_from_template(template)
        self._stream.codec_context.extradata = config

    def mux(self, packet: "Packet[Any]") -> None:
        """Take the next packet. One that begins before the video is dropped: no decode time is negative."""
        if packet.pts is None or packet.pts < 0:
            return
        if self._begin is None:
            self._begin = packet.pts  # libav counts from the first packet on
        packet.pts -= self._begin
        packet.dts = packet.pts
        packet.stream = self._stream
        self._container.mux(packet)

    def write(self, data: bytes) -> int:
        """Take what the muxer wrote. Raises MalformedError."""
        for fragment in self._splitter.feed(bytes(data)):
            self._add(fragment)
        return len(data)

    def finish(self, rendition: str) -> Track | None:
        """Close the files, and say what was made; None when no packet came."""
        self._container.close()
        if self._begin is None:
            return None
        self._splitter.finish()
        self._write_segment()
        return written_track(self._folder, rendition, self._splitter.init, self._segments)

    def _add(self, fragment: Fragment) -> None:
        self._timescale = self._timescale or timescale(self._splitter.init)
        if self._pending and self._number(fragment) != self._number(self._pending[0]):
            self._write_segment()
        self._pending.append(fragment)

    def _number(self, fragment: Fragment) -> int:
        """Which segment a fragment belongs to: the one in which it begins."""
        return int((fragment.decode_time + (self._begin or 0)) / self._timescale / self._segment_seconds)

    def _write_segment(self) -> None:
        if not self._pending:
            return
        time = self._pending[0].decode_time + (self._begin or 0)
        body = merged(self._pending, time, len(self._segments) + 1)
        (self._folder / segment_name(time)).write_bytes(body)
        duration = sum(fragment.duration for fragment in self._pending)
        self._segments.append(MediaSegment(time=time, duration=duration, size_bytes=len(body)))
        self._pending = []
