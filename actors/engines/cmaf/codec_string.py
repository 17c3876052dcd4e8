"""What playlists call a codec (RFC 6381), read from an init segment. Pure.

Sources: ISO/IEC 14496-15 (avcC, and Annex E for hvcC), the AV1 and VP9 bindings to ISOBMFF (aomedia.org,
webmproject.org), ISO/IEC 14496-1 (descriptors in esds), ISO/IEC 14496-3 (AudioSpecificConfig).
"""

from collections.abc import Callable

from actors.engines.cmaf.boxes import Box, MalformedError, children, find, unsigned

_STSD = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_VISUAL_BYTES, _AUDIO_BYTES = 78, 28
_ES, _DECODER_CONFIG, _SPECIFIC = 0x03, 0x04, 0x05
_MPEG4_AUDIO = 0x40
_ESCAPE = 31
_BT709_LIMITED = "01.01.01.0"
"""What is meant when an AV1 string says nothing of colours."""


def codec_string(init: bytes) -> str:
    """The codecs parameter of the track in an init segment: `avc1.64001f`. Raises MalformedError."""
    stsd = find(init, *_STSD)
    entry = next(children(init, stsd.body + 8, stsd.end), None)
    if entry is None:
        raise MalformedError("no sample entry")
    reader = _READERS.get(entry.kind)
    if reader is None:
        raise MalformedError(f"a sample entry of kind {entry.kind!r}")
    config, skipped, read = reader
    start = entry.body + skipped
    box = next((one for one in children(init, start, entry.end) if one.kind == config), None)
    if box is None:
        raise MalformedError(f"no {config!r}")
    return read(init, box, entry.kind.decode())


def _avc(data: bytes, box: Box, name: str) -> str:
    return f"{name}.{unsigned(data, box.body + 1, 3, box.end):06x}"


def _hevc(data: bytes, box: Box, name: str) -> str:
    first = unsigned(data, box.body + 1, 1, box.end)
    compatible = unsigned(data, box.body + 2, 4, box.end)
    constraints = unsigned(data, box.body + 6, 6, box.end).to_bytes(6).rstrip(b"\0")
    level = unsigned(data, box.body + 12, 1, box.end)
    space, tier, profile = ("", "A", "B", "C")[first >> 6], "LH"[first >> 5 & 1], first & 31
    reversed_bits = int(f"{compatible:032b}"[::-1], 2)
    parts = [name, f"{space}{profile}", f"{reversed_bits:X}", f"{tier}{level}"]
    return ".".join([*parts, *(f"{byte:X}" for byte in constraints)])


def _av1(data: bytes, box: Box, name: str) -> str:
    second, third = unsigned(data, box.body + 1, 1, box.end), unsigned(data, box.body + 2, 1, box.end)
    high, twelve = third >> 6 & 1, third >> 5 & 1
    depth = 12 if high and twelve else 10 if high else 8
    plain = f"{name}.{second >> 5}.{second & 31:02d}{'MH'[third >> 7]}.{depth:02d}"
    chroma = f"{third >> 4 & 1}.{third >> 3 & 1}{third >> 2 & 1}{third & 3}"
    color = _nclx(data, box.end)
    return plain if color in {None, _BT709_LIMITED} else f"{plain}.{chroma}.{color}"


def _nclx(data: bytes, at: int) -> str | None:
    """Primaries, transfer, matrix and range as in the `colr` box behind a configuration, if there is one."""
    found = next((one for one in children(data, at, _entry_end(data)) if one.kind == b"colr"), None)
    if found is None or data[found.body : found.body + 4] != b"nclx":
        return None
    codes = [unsigned(data, found.body + place, 2, found.end) for place in (4, 6, 8)]
    full = unsigned(data, found.body + 10, 1, found.end) >> 7
    return "{:02d}.{:02d}.{:02d}.".format(*codes) + str(full)


def _entry_end(data: bytes) -> int:
    stsd = find(data, *_STSD)
    return next(children(data, stsd.body + 8, stsd.end)).end


def _vp9(data: bytes, box: Box, name: str) -> str:
    profile, level = unsigned(data, box.body + 4, 1, box.end), unsigned(data, box.body + 5, 1, box.end)
    return f"{name}.{profile:02d}.{level:02d}.{unsigned(data, box.body + 6, 1, box.end) >> 4:02d}"


def _aac(data: bytes, box: Box, name: str) -> str:
    at, end = _descriptor(data, box.body + 4, box.end, _ES)
    flags = unsigned(data, at + 2, 1, end)
    at += 3 + 2 * (flags >> 7 & 1) + 2 * (flags >> 5 & 1)
    if flags >> 6 & 1:
        at += 1 + unsigned(data, at, 1, end)
    at, end = _descriptor(data, at, end, _DECODER_CONFIG)
    object_type = unsigned(data, at, 1, end)
    if object_type != _MPEG4_AUDIO:
        return f"{name}.{object_type:02x}"
    at, end = _descriptor(data, at + 13, end, _SPECIFIC)
    audio_type = unsigned(data, at, 1, end) >> 3
    if audio_type == _ESCAPE:
        audio_type = 32 + (unsigned(data, at, 2, end) >> 5 & 63)
    return f"{name}.40.{audio_type}"


def _descriptor(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Content and end of a descriptor, whose length is written in up to four groups of seven bits."""
    if unsigned(data, at, 1, end) != tag:
        raise MalformedError(f"no descriptor {tag}")
    size = 0
    for place in range(1, 5):
        byte = unsigned(data, at + place, 1, end)
        size = size << 7 | byte & 127
        if byte < 128:  # noqa: PLR2004 - the continuation bit
            return at + place + 1, min(end, at + place + 1 + size)
    raise MalformedError("a descriptor without a length")


def _opus(_data: bytes, _box: Box, _name: str) -> str:
    return "opus"


_READERS: dict[bytes, tuple[bytes, int, Callable[[bytes, Box, str], str]]] = {
    b"avc1": (b"avcC", _VISUAL_BYTES, _avc),
    b"avc3": (b"avcC", _VISUAL_BYTES, _avc),
    b"hvc1": (b"hvcC", _VISUAL_BYTES, _hevc),
    b"hev1": (b"hvcC", _VISUAL_BYTES, _hevc),
    b"av01": (b"av1C", _VISUAL_BYTES, _av1),
    b"vp09": (b"vpcC", _VISUAL_BYTES, _vp9),
    b"mp4a": (b"esds", _AUDIO_BYTES, _aac),
    b"Opus": (b"dOps", _AUDIO_BYTES, _opus),
}
