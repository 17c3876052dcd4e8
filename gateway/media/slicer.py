"""Bytes in pieces of any size -> segments of one size. Pure, and linear whatever the pieces are."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Slicer:
    """Joins what arrives and cuts it. Holds one segment and the piece that filled it.

    The last segment that `room_bytes` allows is held back until `end`: only then is it known that nothing
    surplus follows.
    """

    segment_bytes: int
    room_bytes: int
    taken_bytes: int = 0
    ended: bool = False
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, piece: bytes) -> None:
        """Take in what arrived. Raises OverflowError when it is more than there is room for."""
        if self.taken_bytes + len(self._buffer) + len(piece) > self.room_bytes:
            raise OverflowError("more bytes than the upload has room for")
        self._buffer += piece

    def end(self) -> None:
        """Say that nothing follows: what is left may go as a shorter segment."""
        self.ended = True

    @property
    def is_ready(self) -> bool:
        """Whether a segment can be taken."""
        held = len(self._buffer)
        is_last = self.taken_bytes + held == self.room_bytes and held <= self.segment_bytes
        return held > 0 and (self.ended or (held >= self.segment_bytes and not is_last))

    def take(self) -> bytes:
        """Return the next segment."""
        with memoryview(self._buffer) as view:
            segment = bytes(view[: self.segment_bytes])
        del self._buffer[: self.segment_bytes]
        self.taken_bytes += len(segment)
        return segment
