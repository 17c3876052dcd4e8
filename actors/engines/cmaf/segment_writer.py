"""A file for libav's muxer to write to: what comes is cut into segments at once, so nothing large is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from actors.engines.cmaf.boxes import Fragment, Splitter, timescale
from actors.engines.cmaf.codec_string import codec_string
from actors.engines.cmaf.track import INIT_NAME, Track, segment_name
from subjects.media import MediaSegment

MUXER = {
    "movflags": "cmaf+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets+skip_trailer",
    "use_editlist": "0",
    "fflags": "+bitexact",
    "write_btrt": "0",
}
"""Options of the mp4 muxer: a fragment for each key frame, presentation from zero without an edit list, and
nothing in the init segment that depends on the moment, the bit rate, or who wrote it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How fragments become segments. In seconds: numbers of frames are exact where they need to be."""

    longest_seconds: float
    """A segment takes another fragment while it stays within this ..."""
    shortest_seconds: float
    """... or has not yet reached this."""
    iframe_seconds: float = 1.0
    """Key frames that are told of lie at least so far apart: a file of nothing else would tell too much."""

    def ends(self, seconds: float, with_next: float) -> bool:
        """Whether a segment so long ends before a fragment that would make it `with_next` seconds long."""
        slack = 1e-6
        return seconds >= self.shortest_seconds - slack and with_next > self.longest_seconds + slack


def written_track(folder: Path, rendition: str, init: bytes, segments: Sequence[MediaSegment]) -> Track:
    """Write the init segment beside segments that lie in a folder, and return what they are together."""
    (folder / INIT_NAME).write_bytes(init)
    return Track(
        rendition=rendition,
        codecs=codec_string(init),
        timescale=timescale(init),
        init_sha256=sha256(init).hexdigest(),
        segments=tuple(segments),
    )


class SegmentWriter:
    """Give it to `av.open`, close the container, then `finish`.

    `decode_time` and `sequence` say where the first fragment belongs: libav always counts from zero and one.
    """

    def __init__(self, folder: Path, cut: Cut, decode_time: int = 0, sequence: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._cut = folder, cut
        self._shift, self._sequence = decode_time, sequence
        self._splitter = Splitter()
        self._timescale = 0
        self._pending: list[tuple[Fragment, bytes]] = []
        self._seconds = 0.0
        self._last_iframe: int | None = None
        self.segments: list[MediaSegment] = []
        self.samples = 0
        """How many were written."""

    def write(self, data: bytes) -> int:
        """Take what the muxer wrote. Raises MalformedError, which says that libav changed its ways."""
        for fragment in self._splitter.feed(bytes(data)):
            self._add(fragment)
        return len(data)

    def finish(self, rendition: str) -> Track:
        """Write what is left, and say what was made. Raises MalformedError."""
        self._splitter.finish()
        self._write_segment()
        return written_track(self._folder, rendition, self._splitter.init, self.segments)

    def _add(self, fragment: Fragment) -> None:
        self._timescale = self._timescale or timescale(self._splitter.init)
        self.samples += len(fragment.samples)
        seconds = fragment.duration / self._timescale
        if self._pending and self._cut.ends(self._seconds, self._seconds + seconds):
            self._write_segment()
        data = fragment.placed(fragment.decode_time + self._shift, self._sequence)
        self._sequence += 1
        self._pending.append((fragment, data))
        self._seconds += seconds

    def _write_segment(self) -> None:
        if not self._pending:
            return
        time = self._pending[0][0].decode_time + self._shift
        body = b"".join(data for _, data in self._pending)
        (self._folder / segment_name(time)).write_bytes(body)
        self.segments.append(
            MediaSegment(
                time=time,
                duration=sum(fragment.duration for fragment, _ in self._pending),
                size_bytes=len(body),
                iframes=tuple(self._iframes()),
            )
        )
        self._pending, self._seconds = [], 0.0

    def _iframes(self) -> list[tuple[int, int, int]]:
        """For each key frame: the part of the segment from its `moof` to its own last byte, and its time."""
        found, offset = [], 0
        for fragment, data in self._pending:
            time = fragment.decode_time + self._shift
            due = self._last_iframe is None or (
                time - self._last_iframe >= self._cut.iframe_seconds * self._timescale
            )
            if due and fragment.samples[0].sync:
                self._last_iframe = time
                size = fragment.first_sample_at + fragment.samples[0].size_bytes
                found.append((offset, size, time))
            offset += len(data)
        return found
