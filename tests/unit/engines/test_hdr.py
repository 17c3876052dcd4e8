import pytest

from actors.engines.clip.hdr import DolbyVision, find_dolby_vision, hdr_kind

RECORD = "DOVI configuration record: version: 1.0"
DUMP = f"""Input #0, mov, from '':
  Stream #0:0[0x1](und): Video: hevc (Main 10)
    Side data:
      {RECORD}, profile: 8, level: 4, rpu flag: 1, el flag: 0, bl flag: 1, compatibility id: 4, compression: 0
  Stream #0:1[0x1](und): Video: hevc (Main 10)
    Side data:
      {RECORD}, profile: 8
  Stream #0:10[0x2](und): Audio: aac
"""
PHONE, STREAMED, AS_SDR = DolbyVision(8, 4), DolbyVision(5, 0), DolbyVision(9, 2)


@pytest.mark.parametrize(
    ("transfer", "dolby_vision", "kind"),
    [
        (1, None, None),
        (2, None, None),
        (16, None, "hdr10"),
        (18, None, "hlg"),
        (18, PHONE, "hlg"),
        (2, PHONE, "dolby_vision"),
        (2, DolbyVision(8, None), "dolby_vision"),
        (1, AS_SDR, None),
        (2, STREAMED, "dolby_vision"),
        (16, STREAMED, "dolby_vision"),
        (16, DolbyVision(5, None), "dolby_vision"),
        (16, DolbyVision(10, 0), "dolby_vision"),
        (16, DolbyVision(10, 1), "hdr10"),
        (16, DolbyVision(7, 6), "hdr10"),
    ],
)
def test_the_kind_follows_the_transfer_and_the_configuration(
    transfer: int, dolby_vision: DolbyVision | None, kind: str | None
) -> None:
    assert hdr_kind(transfer, dolby_vision) == kind


@pytest.mark.parametrize(("index", "found"), [(0, PHONE), (1, DolbyVision(8, None)), (10, None)])
def test_a_configuration_belongs_to_its_stream(index: int, found: DolbyVision | None) -> None:
    assert find_dolby_vision(DUMP, index) == found


def test_a_dump_without_streams_has_none() -> None:
    assert find_dolby_vision("", 0) is None
