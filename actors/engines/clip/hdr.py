"""Which kind of high dynamic range a picture has."""

import re
from dataclasses import dataclass
from typing import Final

from subjects.media import Hdr

TRANSFER_PQ = 16
"""SMPTE ST 2084, in the numbers of ITU-T H.273."""
TRANSFER_HLG = 18
"""ARIB STD-B67."""
_RECORD: Final = re.compile(r"DOVI configuration record:.*?\bprofile: (\d+)(?:.*?\bcompatibility id: (\d+))?")
_IPT_PROFILES: Final = (5, 10, 20)
"""Those whose base layer may be in Dolby's own colours, and is when it is compatible with nothing."""
_COMPATIBLE_NONE, _COMPATIBLE_SDR = 0, 2


@dataclass(frozen=True, slots=True)
class DolbyVision:
    """A configuration record (Dolby Vision Streams within the ISO Base Media File Format, section 3.1)."""

    profile: int
    compatibility: int | None
    """`dv_bl_signal_compatibility_id`: what else the base layer is. None when libav does not say."""

    @property
    def is_alone(self) -> bool:
        """Whether the base layer means nothing to who does not decode Dolby Vision, whatever its tags say."""
        return self.profile in _IPT_PROFILES and self.compatibility in {_COMPATIBLE_NONE, None}


def hdr_kind(transfer: int, dolby_vision: DolbyVision | None) -> Hdr | None:
    """The kind of what every decoder sees, by its transfer characteristic.

    Dolby Vision is the kind only when nothing else is: a base layer that other players show wrong.
    """
    if dolby_vision is not None and dolby_vision.is_alone:
        return "dolby_vision"
    if transfer == TRANSFER_PQ:
        return "hdr10"
    if transfer == TRANSFER_HLG:
        return "hlg"
    if dolby_vision is None or dolby_vision.compatibility == _COMPATIBLE_SDR:
        return None
    return "dolby_vision"


def find_dolby_vision(description: str, stream_index: int) -> DolbyVision | None:
    """The Dolby Vision configuration that libav's dump of a container lists for this stream.

    PyAV 18 does not expose a stream's coded side data; the dump is where it can be read without decoding.
    """
    streams = description.split("Stream #0:")
    mine = (text for text in streams[1:] if _index(text) == stream_index)
    found = next((record for text in mine if (record := _RECORD.search(text))), None)
    if found is None:
        return None
    profile, compatibility = found.groups()
    return DolbyVision(int(profile), int(compatibility) if compatibility else None)


def _index(text: str) -> int:
    digits = text[: next((at for at, char in enumerate(text) if not char.isdigit()), len(text))]
    return int(digits) if digits else -1
