"""Which kind of high dynamic range a picture has."""

from subjects.media import Hdr

TRANSFER_PQ = 16
"""SMPTE ST 2084, in the numbers of ITU-T H.273."""
TRANSFER_HLG = 18
"""ARIB STD-B67."""


def hdr_kind(transfer: int, *, dolby_vision: bool) -> Hdr | None:
    """The kind of what every decoder sees, by its transfer characteristic.

    `dolby_vision` is the kind only when nothing else is: a base layer that other players show wrong.
    """
    if transfer == TRANSFER_PQ:
        return "hdr10"
    if transfer == TRANSFER_HLG:
        return "hlg"
    return "dolby_vision" if dolby_vision else None


def has_dolby_vision(description: str, stream_index: int) -> bool:
    """Whether libav's dump of a container lists a Dolby Vision configuration for this stream.

    PyAV 18 does not expose a stream's coded side data; the dump is where it can be read without decoding.
    """
    streams = description.split("Stream #0:")
    mine = (text for text in streams[1:] if _index(text) == stream_index)
    return any("DOVI configuration record" in text for text in mine)


def _index(text: str) -> int:
    digits = text[: next((at for at, char in enumerate(text) if not char.isdigit()), len(text))]
    return int(digits) if digits else -1
