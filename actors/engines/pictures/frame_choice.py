"""Which frames are good pictures: scores and a choice of distinct ones. Pure."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from actors.engines.pictures.tone_map import Rgb8

Gray = npt.NDArray[np.uint8]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SHARP_VARIANCE = 250.0
_FLAT_DEVIATION = 5.0
_BLACK_LEVEL, _WHITE_LEVEL = 20.0, 240.0
_FLOOR_SCORE = 0.05
_ENTROPY_BINS = 64
_SIGNATURE_PX = 12
_DISTINCT_LEVELS = 10.0


def gray(rgb: Rgb8) -> Gray:
    """BT.601 luma of uint8 (h, w, 3) as uint8 (h, w)."""
    return (rgb @ _LUMA).astype(np.uint8)


def score(luma: Gray) -> float:
    """How good a picture is, 0..1, from its luma, uint8 (h, w).

    The geometric mean of sharpness, variety and exposure. Blank and black frames stay below a floor that
    any real picture passes, and are ordered among themselves.
    """
    deviation, mean = float(luma.std()), float(luma.mean())
    merit: float = (sharpness(luma) * variety(luma) * exposure(luma)) ** (1 / 3)
    if deviation < _FLAT_DEVIATION or not _BLACK_LEVEL <= mean <= _WHITE_LEVEL:
        return _FLOOR_SCORE * merit
    return _FLOOR_SCORE + (1 - _FLOOR_SCORE) * merit


def sharpness(luma: Gray) -> float:
    """The variance of the Laplacian, squeezed into 0..1 (Pech-Pacheco and others, ICPR 2000)."""
    if min(luma.shape) < 3:  # noqa: PLR2004 - the operator's size
        return 0.0
    y = luma.astype(np.float32)
    laplacian = y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * y[1:-1, 1:-1]
    variance = float(laplacian.var())
    return variance / (variance + _SHARP_VARIANCE)


def variety(luma: Gray) -> float:
    """The entropy of the brightness histogram, 0..1."""
    counts = np.bincount(luma.ravel() >> 2, minlength=_ENTROPY_BINS)
    shares = counts[counts > 0] / luma.size
    return float(max(0.0, -(shares * np.log2(shares)).sum() / np.log2(_ENTROPY_BINS)))


def exposure(luma: Gray) -> float:
    """How well the range is used, 0..1: a middling mean and few pixels at either end."""
    mean = float(luma.mean()) / 255
    clipped = float(((luma < 8) | (luma > 247)).mean())  # noqa: PLR2004 - three per cent of the range
    return max(0.0, 1 - (2 * mean - 1) ** 2) * (1 - clipped)


def signature(luma: Gray) -> npt.NDArray[np.float32]:
    """A tiny picture of block means, float32 (12, 12), to tell shots apart."""
    tall, wide = luma.shape
    rows, columns = _edges(tall), _edges(wide)
    if min(tall, wide) < _SIGNATURE_PX:
        return luma[np.ix_(rows, columns)].astype(np.float32)
    sums = np.add.reduceat(np.add.reduceat(luma.astype(np.float32), rows, axis=0), columns, axis=1)
    counts = np.outer(np.diff([*rows, tall]), np.diff([*columns, wide]))
    means: npt.NDArray[np.float32] = (sums / counts).astype(np.float32)
    return means


def _edges(length: int) -> npt.NDArray[np.int64]:
    return np.arange(_SIGNATURE_PX) * length // _SIGNATURE_PX


def choose(
    scores: Sequence[float], signatures: Sequence[npt.NDArray[np.float32]], wanted: int
) -> tuple[int, ...]:
    """Indices of up to `wanted` pictures, best first, each different from those before it.

    The best is always among them; of equals the earlier wins.
    """
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    chosen: list[int] = []
    for index in order:
        if len(chosen) < wanted and all(_differs(signatures[index], signatures[other]) for other in chosen):
            chosen.append(index)
    return tuple(chosen)


def _differs(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> bool:
    return float(np.abs(one - other).mean()) > _DISTINCT_LEVELS
