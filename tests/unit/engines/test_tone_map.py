import numpy as np
import pytest

from actors.engines.clip.hdr import TRANSFER_HLG, TRANSFER_PQ
from actors.engines.pictures.tone_map import is_hdr, narrowed, tone_mapped


def ramp(steps: int = 64) -> np.ndarray:
    codes = np.linspace(0, 65_535, steps).astype(np.uint16)
    return np.repeat(codes[None, :, None], 3, axis=2)


@pytest.mark.parametrize("transfer", [TRANSFER_PQ, TRANSFER_HLG])
def test_brighter_stays_brighter(transfer: int) -> None:
    levels = tone_mapped(ramp(), transfer)[0, :, 1].astype(int)
    assert (np.diff(levels) >= 0).all()
    assert levels[0] == 0
    assert levels[-1] >= 250


@pytest.mark.parametrize("transfer", [TRANSFER_PQ, TRANSFER_HLG])
def test_grey_stays_grey(transfer: int) -> None:
    levels = tone_mapped(ramp(), transfer)[0].astype(int)
    assert (levels.max(axis=1) - levels.min(axis=1) <= 2).all()


@pytest.mark.parametrize(("transfer", "code"), [(TRANSFER_PQ, 0.58), (TRANSFER_HLG, 0.75)])
def test_diffuse_white_is_light_and_not_clipped(transfer: int, code: float) -> None:
    white = np.full((1, 1, 3), round(code * 65_535), np.uint16)
    assert 200 <= tone_mapped(white, transfer)[0, 0, 1] <= 230


def test_only_pq_and_hlg_are_high_dynamic_range() -> None:
    assert [transfer for transfer in range(20) if is_hdr(transfer)] == [TRANSFER_PQ, TRANSFER_HLG]


def test_greys_of_bt2020_stay_and_its_colours_become_stronger_codes() -> None:
    greys = np.repeat(np.linspace(0, 1, 11, dtype=np.float32)[None, :, None], 3, axis=2)
    assert np.abs(narrowed(greys) - greys).max() < 0.001
    reddish = narrowed(np.array([[[0.6, 0.4, 0.4]]], np.float32))[0, 0]
    assert reddish[0] > 0.63
    assert reddish[1] < 0.4


def test_what_bt709_lacks_becomes_its_edge() -> None:
    assert narrowed(np.array([[[0.0, 1.0, 0.0]]], np.float32))[0, 0].tolist() == [0, 1, 0]
