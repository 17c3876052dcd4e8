"""Fragmented MP4 taken apart and put in its place: boxes, init segments, fragments. Pure.

Sources: ISO/IEC 14496-12 (boxes, movie fragments), ISO/IEC 23000-19 (CMAF). One track a file, as we write it.
Everything is read within bounds: whatever bytes come, the answer is a value or MalformedError.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_BOX_BYTES = 1 << 30
"""A fragment is a few seconds of one track; a size beyond this is nonsense, not media."""
MAX_SAMPLES = 1 << 20
_HEADER_BYTES = 8
_LARGE_HEADER_BYTES = 16
_HAS_DATA_OFFSET, _HAS_FIRST_FLAGS = 0x1, 0x4
_PER_SAMPLE = (0x100, 0x200, 0x400, 0x800)  # duration, size, flags, composition offset
_BASE_OFFSET, _DESCRIPTION, _DURATION, _SIZE, _FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
_NON_SYNC = 0x10000
_SIGN = 1 << 31


class MalformedError(ValueError):
    """Raised when bytes are not the boxes that they should be."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies: offsets of its header, of its content, and of what follows."""

    kind: bytes
    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Sample:
    """An access unit: duration and composition offset in the track's timescale."""

    size_bytes: int
    duration: int
    sync: bool
    composition_offset: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """A movie fragment with its media: `data` is `moof` and `mdat`."""

    data: bytes
    decode_time: int
    samples: tuple[Sample, ...]
    first_sample_at: int
    """Offset of the first sample in `data`."""
    tfdt: Box = field(repr=False)
    mfhd: Box = field(repr=False)

    @property
    def duration(self) -> int:
        """How long its samples last together."""
        return sum(sample.duration for sample in self.samples)

    def placed(self, decode_time: int, sequence: int) -> bytes:
        """The same fragment at another decode time and sequence number. Raises MalformedError."""
        data = bytearray(self.data)
        width = self.tfdt.end - self.tfdt.body - 4
        if not 0 <= decode_time < 1 << 8 * width or not 0 <= sequence < 1 << 32:
            raise MalformedError(f"decode time {decode_time} does not fit")
        data[self.tfdt.body + 4 : self.tfdt.end] = decode_time.to_bytes(width)
        data[self.mfhd.body + 4 : self.mfhd.body + 8] = sequence.to_bytes(4)
        return bytes(data)


class Splitter:
    """Cuts a growing file at its boxes: the init segment and the fragments, as they become whole."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._init = bytearray()
        self._moof = b""

    @property
    def init(self) -> bytes:
        """What came before the first fragment: `ftyp` and `moov`."""
        return bytes(self._init)

    def feed(self, data: bytes) -> Iterator[Fragment]:
        """Take more of the file, yield the fragments that are whole with it. Raises MalformedError."""
        self._pending += data
        while (box := _header(self._pending, 0)) is not None and box.end <= len(self._pending):
            whole = bytes(self._pending[: box.end])
            del self._pending[: box.end]
            if box.kind in {b"ftyp", b"moov"}:
                self._init += whole
            elif box.kind == b"moof":
                self._moof = whole
            elif box.kind == b"mdat" and self._moof:
                moof, self._moof = self._moof, b""
                yield read_fragment(moof + whole)

    def finish(self) -> None:
        """Raise MalformedError when the file ended inside a box or before its header was complete."""
        if self._pending or self._moof or not self._init:
            raise MalformedError("the file ends in the middle")


def split(data: bytes) -> tuple[bytes, tuple[Fragment, ...]]:
    """The init segment and the fragments of a whole file. Raises MalformedError."""
    splitter = Splitter()
    fragments = tuple(splitter.feed(data))
    splitter.finish()
    return splitter.init, fragments


def children(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets. Raises MalformedError for one that does not fit."""
    at = start
    while at < end:
        box = _header(data, at, end)
        if box is None or box.end > end:
            raise MalformedError(f"a box at {at} does not fit")
        yield box
        at = box.end


def find(data: bytes, *path: bytes, within: Box | None = None) -> Box:
    """The first box along a path of kinds. Raises MalformedError when there is none."""
    box = within or Box(b"", 0, 0, len(data))
    for kind in path:
        found = next((child for child in children(data, box.body, box.end) if child.kind == kind), None)
        if found is None:
            raise MalformedError(f"no {kind!r}")
        box = found
    return box


def unsigned(data: bytes, at: int, size: int, end: int) -> int:
    """A big-endian number that has to lie before `end`. Raises MalformedError."""
    if at < 0 or at + size > min(end, len(data)):
        raise MalformedError("a field lies outside of its box")
    return int.from_bytes(data[at : at + size])


def timescale(init: bytes) -> int:
    """Units per second of the track of an init segment. Raises MalformedError."""
    mdhd = find(init, b"moov", b"trak", b"mdia", b"mdhd")
    long = unsigned(init, mdhd.body, 1, mdhd.end) == 1
    return unsigned(init, mdhd.body + (20 if long else 12), 4, mdhd.end)


def read_fragment(data: bytes) -> Fragment:
    """Read a `moof` and its `mdat`. Raises MalformedError, also for more than one track."""
    moof, mdat = find(data, b"moof"), find(data, b"mdat")
    mfhd, traf = find(data, b"mfhd", within=moof), find(data, b"traf", within=moof)
    if mfhd.end - mfhd.body < 8:  # noqa: PLR2004 - version, flags and the number
        raise MalformedError("mfhd is too short")
    tfdt = find(data, b"tfdt", within=traf)
    width = {0: 4, 1: 8}.get(unsigned(data, tfdt.body, 1, tfdt.end), 0)
    if not width or tfdt.end - tfdt.body != 4 + width:
        raise MalformedError("tfdt is of no known version")
    defaults = _defaults(data, find(data, b"tfhd", within=traf))
    runs = [box for box in children(data, traf.body, traf.end) if box.kind == b"trun"]
    samples, offset = [], None
    for run in runs:
        more, at = _run(data, run, defaults, mdat.end - mdat.body)
        samples += more
        offset = at if offset is None else offset
    first = moof.start + (offset or 0)
    if not samples or not mdat.body <= first <= mdat.end - sum(one.size_bytes for one in samples):
        raise MalformedError("the samples do not lie in mdat")
    decode_time = unsigned(data, tfdt.body + 4, width, tfdt.end)
    return Fragment(data, decode_time, tuple(samples), first, tfdt, mfhd)


def _header(data: bytes | bytearray, at: int, end: int | None = None) -> Box | None:
    """The box at an offset; None while its header is not there yet. Raises MalformedError."""
    end = len(data) if end is None else end
    if end - at < _HEADER_BYTES:
        return None
    size, body = int.from_bytes(data[at : at + 4]), at + _HEADER_BYTES
    if size == 1:
        if end - at < _LARGE_HEADER_BYTES:
            return None
        size, body = int.from_bytes(data[at + 8 : at + 16]), at + _LARGE_HEADER_BYTES
    if not body - at <= size <= MAX_BOX_BYTES:
        raise MalformedError(f"a box of {size} bytes")
    return Box(bytes(data[at + 4 : at + 8]), at, body, at + size)


@dataclass(frozen=True, slots=True)
class _Defaults:
    duration: int
    size_bytes: int
    flags: int


def _defaults(data: bytes, tfhd: Box) -> _Defaults:
    flags, at = unsigned(data, tfhd.body + 1, 3, tfhd.end), tfhd.body + 8
    at += 8 * bool(flags & _BASE_OFFSET) + 4 * bool(flags & _DESCRIPTION)
    values = []
    for flag in (_DURATION, _SIZE, _FLAGS):
        values.append(unsigned(data, at, 4, tfhd.end) if flags & flag else 0)
        at += 4 * bool(flags & flag)
    return _Defaults(*values)


def _run(data: bytes, trun: Box, defaults: _Defaults, media_bytes: int) -> tuple[list[Sample], int]:
    """The samples of a `trun` and the offset of the first one from its `moof`."""
    flags, count = unsigned(data, trun.body + 1, 3, trun.end), unsigned(data, trun.body + 4, 4, trun.end)
    at, offset = trun.body + 8, 0
    if flags & _HAS_DATA_OFFSET:
        offset, at = unsigned(data, at, 4, trun.end), at + 4
    first_flags = defaults.flags
    if flags & _HAS_FIRST_FLAGS:
        first_flags, at = unsigned(data, at, 4, trun.end), at + 4
    fields = sum(1 for flag in _PER_SAMPLE if flags & flag)
    if count > min(MAX_SAMPLES, media_bytes + 1) or at + 4 * fields * count > trun.end:
        raise MalformedError(f"a run of {count} samples does not fit")
    samples = []
    for index in range(count):
        values = [defaults.duration, defaults.size_bytes, defaults.flags if index else first_flags, 0]
        for place, flag in enumerate(_PER_SAMPLE):
            if flags & flag:
                values[place], at = int.from_bytes(data[at : at + 4]), at + 4
        duration, size, sample_flags, composition = values
        signed = composition - 2 * (composition & _SIGN)
        samples.append(Sample(size, duration, not sample_flags & _NON_SYNC, signed))
    return samples, offset
