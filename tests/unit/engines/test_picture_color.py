"""What pictures are tagged as when they leave the filters."""

import pytest

from actors.engines.encoding.picture_color import BT709, Color, SourceColor


def color(primaries: int, transfer: int, matrix: int, *, is_rgb: bool = False) -> SourceColor:
    return SourceColor.of((matrix, transfer, primaries, 1), height_px=1080, is_rgb=is_rgb, is_jpeg=False)


@pytest.mark.parametrize(
    ("tags", "left"),
    [
        ((1, 1, 1), (1, 1, 1)),
        ((2, 2, 2), (1, 1, 1)),
        ((5, 6, 5), (5, 6, 5)),
        ((12, 1, 1), (12, 1, 1)),
        ((12, 13, 6), (12, 6, 6)),
        ((12, 1, 9), (12, 1, 1)),
    ],
)
def test_standard_pictures_and_those_of_display_p3_keep_what_they_are(
    tags: tuple[int, int, int], left: tuple[int, int, int]
) -> None:
    assert color(*tags).encoded == Color(*left)
    assert not color(*tags).is_wide


def test_rgb_of_display_p3_keeps_its_primaries() -> None:
    assert color(12, 13, 0, is_rgb=True).encoded == Color(12, 1, 1)


@pytest.mark.parametrize("tags", [(9, 14, 9), (9, 1, 9), (9, 2, 1)])
def test_bt2020_of_standard_range_is_converted(tags: tuple[int, int, int]) -> None:
    assert color(*tags).is_wide
    assert color(*tags).encoded == BT709


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_mapped_and_not_only_converted(transfer: int) -> None:
    assert not color(9, transfer, 9).is_wide
    assert color(9, transfer, 9).encoded == BT709
