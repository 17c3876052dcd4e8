"""What an H.264 packet holds, by its NAL units (ITU-T H.264, section 7.4.1). Pure."""

from collections.abc import Iterator

_IDR = 5
_SLICES = range(1, 6)
_START = b"\0\0\1"


def length_size(extradata: bytes | None) -> int | None:
    """How many bytes the length of a NAL unit takes (`avcC`); None for start codes (Annex B)."""
    if extradata and len(extradata) > 6 and extradata[0] == 1:  # noqa: PLR2004 - the shortest avcC
        return (extradata[4] & 3) + 1
    return None


def is_idr(packet: bytes, length_bytes: int | None) -> bool:
    """Whether decoding can begin here, and nothing after it looks back: its first slice is an IDR one."""
    kinds = _by_length(packet, length_bytes) if length_bytes else _by_start_code(packet)
    return next((kind for kind in kinds if kind in _SLICES), 0) == _IDR


def _by_length(packet: bytes, length_bytes: int) -> Iterator[int]:
    at = 0
    while at + length_bytes < len(packet):
        size = int.from_bytes(packet[at : at + length_bytes])
        yield packet[at + length_bytes] & 31
        at += length_bytes + max(1, size)


def _by_start_code(packet: bytes) -> Iterator[int]:
    at = packet.find(_START)
    while at >= 0 and at + 3 < len(packet):
        yield packet[at + 3] & 31
        at = packet.find(_START, at + 3)
