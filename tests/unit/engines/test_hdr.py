import pytest

from actors.engines.hdr import has_dolby_vision, hdr_kind

DUMP = """Input #0, mov, from '':
  Stream #0:0[0x1](und): Video: hevc (Main 10)
    Side data:
      DOVI configuration record: version: 1.0, profile: 8
  Stream #0:10[0x2](und): Audio: aac
"""


@pytest.mark.parametrize(
    ("transfer", "dolby_vision", "kind"),
    [
        (1, False, None),
        (2, False, None),
        (16, False, "hdr10"),
        (18, False, "hlg"),
        (18, True, "hlg"),
        (2, True, "dolby_vision"),
    ],
)
def test_the_kind_follows_the_transfer_and_the_configuration(
    transfer: int, dolby_vision: bool, kind: str | None
) -> None:
    assert hdr_kind(transfer, dolby_vision=dolby_vision) == kind


@pytest.mark.parametrize(("index", "found"), [(0, True), (1, False), (10, False)])
def test_a_configuration_belongs_to_its_stream(index: int, found: bool) -> None:
    assert has_dolby_vision(DUMP, index) is found


def test_a_dump_without_streams_has_none() -> None:
    assert not has_dolby_vision("", 0)
