"""High dynamic range pixels to standard ones.

libswscale can do this too, but it spends 1 to 2 seconds on a table for each picture size, and its relative
colorimetric intent clips highlights; these few lines take 0.1 s for a poster and nothing for a tile.

Sources: Rec. ITU-R BT.2100-2 (PQ and HLG), Report BT.2087 (BT.2020 to BT.709), Report BT.2408 (diffuse white
at 203 cd/m2), the Moebius curve of FFmpeg's tonemap filter, IEC 61966-2-1 (sRGB).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from actors.engines.clip.hdr import TRANSFER_HLG, TRANSFER_PQ

Rgb8 = npt.NDArray[np.uint8]
Rgb16 = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float32]

_WHITE_CD_M2 = 203.0
_PEAK_CD_M2 = 1000.0
_KNEE = 0.3
_CODES = 1024
_SRGB_CODES = 4096
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_LUMA_BT2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)
_LUMA_BT709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
_LARGEST_8_BIT = 255.0
_DISPLAY_GAMMA = np.float32(2.4)
"""Rec. ITU-R BT.1886: how displays turn codes of standard range into light."""


def is_hdr(transfer: int) -> bool:
    """Whether pixels with this transfer characteristic (ITU-T H.273) need tone mapping."""
    return transfer in {TRANSFER_PQ, TRANSFER_HLG}


def tone_mapped(rgb: Rgb16, transfer: int) -> Rgb8:
    """Full-range BT.2020 RGB, uint16 (h, w, 3), PQ or HLG, as sRGB, uint8 (h, w, 3)."""
    light = _linear(transfer)[rgb >> 6]
    if transfer == TRANSFER_HLG:
        light *= np.maximum(light @ _LUMA_BT2020, 1e-6)[..., None] ** np.float32(
            0.2
        )  # the display's gamma, 1.2
        light *= np.float32(_PEAK_CD_M2 / _WHITE_CD_M2)
    light = np.maximum(light @ _TO_BT709.T, 0)
    luma = (light @ _LUMA_BT709)[..., None]
    glare = np.clip((luma - 1) / (_PEAK_CD_M2 / _WHITE_CD_M2 - 1), 0, 1)
    light += (luma - light) * glare  # the brightest parts are white, not pink
    brightest = np.maximum(light.max(axis=2, keepdims=True), np.float32(1e-6))
    light *= _rolled_off(brightest) / brightest  # one factor for all three: the hue stays
    codes = np.minimum(light * (_SRGB_CODES - 1), _SRGB_CODES - 1).astype(np.uint16)
    mapped: Rgb8 = _srgb()[codes]
    return mapped


def narrowed(rgb: Floats) -> Floats:
    """BT.2020 RGB of standard range as BT.709: float32 (h, w, 3) of 0 to 1, as given.

    Colours that BT.709 lacks become the nearest of its edge, channel by channel, as Report BT.2087 has it.
    """
    light = np.clip(rgb**_DISPLAY_GAMMA @ _TO_BT709.T, 0, 1)
    return (light ** np.float32(1 / _DISPLAY_GAMMA)).astype(np.float32)


def _rolled_off(level: Floats) -> Floats:
    """Levels in units of diffuse white, 0 to the peak, as 0 to 1: untouched up to the knee."""
    knee, peak = _KNEE, _PEAK_CD_M2 / _WHITE_CD_M2
    a = -knee * knee * (peak - 1) / (knee * knee - 2 * knee + peak)
    b = (knee * knee - 2 * knee * peak + peak) / (peak - 1)
    curve = (b * b + 2 * b * knee + knee * knee) / (b - a) * (level + a) / (level + b)
    return np.where(level <= knee, level, np.minimum(curve, 1)).astype(np.float32)


@cache
def _linear(transfer: int) -> Floats:
    """Light for each 10-bit code: PQ in units of diffuse white, HLG as scene light 0..1."""
    code = np.linspace(0, 1, _CODES)
    if transfer == TRANSFER_PQ:
        power = code ** (1 / 78.84375)
        light = (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
        return (np.minimum(light * 10_000, _PEAK_CD_M2) / _WHITE_CD_M2).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code * code / 3, (np.exp((code - c) / a) + b) / 12)  # noqa: PLR2004
    return scene.astype(np.float32)


@cache
def _srgb() -> Rgb8:
    """The 8-bit sRGB code for each of 4096 steps of light."""
    light = np.linspace(0, 1, _SRGB_CODES)
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)  # noqa: PLR2004
    return np.rint(code * _LARGEST_8_BIT).astype(np.uint8)
