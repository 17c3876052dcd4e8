"""What an H.264 packet holds, by its NAL units (ITU-T H.264, section 7.4.1). Pure."""

from collections.abc import Iterator
from typing import Final

_IDR: Final = 5
_SLICES: Final = range(1, 6)
_PARAMETER_SETS: Final = frozenset({7, 8, 15})
"""Of sequences, pictures, and sequences in more than one layer."""
_START: Final = b"\0\0\1"
_AVCC_HEAD_BYTES: Final = 5
_SETS_MASKS: Final = (31, 255)
"""Of how many parameter sets of sequences, then of pictures, an `avcC` says that it has."""


def length_size(extradata: bytes | None) -> int | None:
    """How many bytes the length of a NAL unit takes (`avcC`); None for start codes (Annex B)."""
    if extradata and len(extradata) > 6 and extradata[0] == 1:  # noqa: PLR2004 - the shortest avcC
        return (extradata[4] & 3) + 1
    return None


def configured_sets(extradata: bytes) -> frozenset[bytes]:
    """Return the parameter sets that a header gives, as `avcC` (ISO/IEC 14496-15, 5.3.3.1) or Annex B.

    Of a header that ends midway those that are whole.
    """
    units = _by_start_code(extradata) if length_size(extradata) is None else _of_avcc(extradata)
    return frozenset(_bare(unit) for unit in units)


def is_idr(packet: bytes, length_bytes: int | None) -> bool:
    """Whether decoding can begin here, and nothing after it looks back: its first slice is an IDR one."""
    kinds = (unit[0] & 31 for unit in units_of(packet, length_bytes))
    return next((kind for kind in kinds if kind in _SLICES), 0) == _IDR


def changes_sets(packet: bytes, length_bytes: int | None, configured: frozenset[bytes]) -> bool:
    """Whether a packet brings a parameter set of its own: pictures may have another size from there on."""
    units = units_of(packet, length_bytes)
    return any(unit[0] & 31 in _PARAMETER_SETS and _bare(unit) not in configured for unit in units)


def units_of(packet: bytes, length_bytes: int | None) -> Iterator[bytes]:
    """Yield the NAL units of a packet, none of them empty; the last one may be cut off."""
    return _by_length(packet, length_bytes) if length_bytes else _by_start_code(packet)


def _bare(unit: bytes) -> bytes:
    """Return a unit without the zeros that may follow it; no parameter set ends with one (7.4.1)."""
    return unit.rstrip(b"\0")


def _by_length(packet: bytes, length_bytes: int) -> Iterator[bytes]:
    at = 0
    while at + length_bytes < len(packet):
        size = int.from_bytes(packet[at : at + length_bytes])
        at += length_bytes
        if size:
            yield packet[at : at + size]
        at += size


def _by_start_code(packet: bytes) -> Iterator[bytes]:
    at = packet.find(_START)
    while 0 <= at < len(packet) - len(_START):
        begin = at + len(_START)
        at = packet.find(_START, begin)
        unit = packet[begin : at if at >= 0 else len(packet)]
        if unit:
            yield unit


def _of_avcc(extradata: bytes) -> Iterator[bytes]:
    at = _AVCC_HEAD_BYTES
    for mask in _SETS_MASKS:
        count, at = (extradata[at] & mask if at < len(extradata) else 0), at + 1
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2])
            unit, at = extradata[at + 2 : at + 2 + size], at + 2 + size
            if size and len(unit) == size:
                yield unit
