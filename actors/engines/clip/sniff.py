"""What a file is, from its first bytes: no library, no I/O.

Magic numbers: ISO/IEC 14496-12 (ftyp), the QuickTime File Format, RFC 9559 (Matroska), ISO/IEC 13818-1
(transport stream sync bytes), the Adobe FLV and Microsoft RIFF specifications.
"""

from typing import Literal, NamedTuple

HEAD_BYTES = 4096
"""How much of the beginning is worth giving to `sniff`."""

_TS_SYNC = 0x47
_TS_PACKET_BYTES = (188, 192, 204)
_TS_SYNCS_NEEDED = 3
_ID3_HEADER_BYTES = 10
_FRAME_HEADER_BYTES = 4
_NO_BITRATE, _NO_RATE = 0b1111, 0b11


class Sniffed(NamedTuple):
    """A container: its short name, content type, file extension, and whether it can hold a picture."""

    format: str
    content_type: str
    extension: str
    kind: Literal["video", "audio"] = "video"


MP4 = Sniffed("mp4", "video/mp4", "mp4")
MOV = Sniffed("mov", "video/quicktime", "mov")
THREE_GP = Sniffed("3gp", "video/3gpp", "3gp")
WEBM = Sniffed("webm", "video/webm", "webm")
MKV = Sniffed("mkv", "video/x-matroska", "mkv")
MPEGTS = Sniffed("mpegts", "video/mp2t", "ts")
FLV = Sniffed("flv", "video/x-flv", "flv")
AVI = Sniffed("avi", "video/x-msvideo", "avi")
M4A = Sniffed("m4a", "audio/mp4", "m4a", "audio")
MP3 = Sniffed("mp3", "audio/mpeg", "mp3", "audio")
AAC = Sniffed("aac", "audio/aac", "aac", "audio")
FLAC = Sniffed("flac", "audio/flac", "flac", "audio")
WAV = Sniffed("wav", "audio/wav", "wav", "audio")
OGG = Sniffed("ogg", "audio/ogg", "ogg", "audio")

_STILL_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"jpeg", b"crx "}
_AUDIO_BRANDS = {b"M4A ", b"M4B ", b"M4P "}
_OLD_QUICKTIME_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}


def sniff(head: bytes) -> Sniffed | None:
    """The container that starts with `head`, or None when it is not one we know. Never raises."""
    return _iso(head) or _matroska(head) or _riff(head) or _tagged(head) or _transport_stream(head)


def _iso(head: bytes) -> Sniffed | None:
    kind, brand = head[4:8], head[8:12]
    if kind in _OLD_QUICKTIME_BOXES and len(head) > len(kind) + 4:
        return MOV
    if kind not in {b"ftyp", b"styp"} or len(brand) < len(b"isom"):
        return None
    if brand in _STILL_BRANDS:
        return None
    if brand in _AUDIO_BRANDS:
        return M4A
    if brand.startswith((b"3gp", b"3g2", b"3gr", b"3gs", b"3ge")):
        return THREE_GP
    return MOV if brand == b"qt  " else MP4


def _matroska(head: bytes) -> Sniffed | None:
    if not head.startswith(b"\x1aE\xdf\xa3"):
        return None
    at = head.find(b"\x42\x82")  # DocType: its length has one byte in every known writer
    size = head[at + 2] & 0x7F if 0 <= at < len(head) - 2 else 0
    doctype = head[at + 3 : at + 3 + size].rstrip(b"\0")
    return WEBM if doctype == b"webm" else MKV


def _riff(head: bytes) -> Sniffed | None:
    if not head.startswith((b"RIFF", b"RF64")):
        return None
    return {b"AVI ": AVI, b"AVIX": AVI, b"WAVE": WAV}.get(head[8:12])


def _tagged(head: bytes) -> Sniffed | None:
    if head.startswith(b"FLV\x01"):
        return FLV
    if head.startswith(b"fLaC"):
        return FLAC
    if head.startswith(b"OggS"):
        return OGG
    if head.startswith(b"ID3") and len(head) >= _ID3_HEADER_BYTES:
        return MP3
    return _mpeg_audio(head)


def _mpeg_audio(head: bytes) -> Sniffed | None:
    """An MPEG audio or ADTS frame header: twelve set bits, then fields with forbidden values."""
    if len(head) < _FRAME_HEADER_BYTES or (head[0], head[1] >> 4) != (0xFF, 0xF):
        return None
    layer, bitrate, rate = head[1] >> 1 & 0b11, head[2] >> 4, head[2] >> 2 & 0b11
    if layer == 0:
        return AAC
    return MP3 if bitrate != _NO_BITRATE and rate != _NO_RATE else None


def _transport_stream(head: bytes) -> Sniffed | None:
    for size in _TS_PACKET_BYTES:
        for start in range(min(size, len(head))):
            syncs = head[start : start + size * _TS_SYNCS_NEEDED : size]
            if syncs == bytes([_TS_SYNC]) * _TS_SYNCS_NEEDED:
                return MPEGTS
    return None
