"""What the NAL units of a packet say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip.h264_units import changes_sets, configured_sets, is_idr, length_size, units_of

SPS, OTHER_SPS, PPS, IDR, SLICE = (
    b"\x67\x64\0\x1f\xac",
    b"\x67\x64\0\x28\xac",
    b"\x68\xee",
    b"\x65\x88",
    b"\x41\x9a",
)
SUBSET_SPS = b"\x6f\x76\0\x1f"


def avcc(*sets: bytes, length_bytes: int = 4) -> bytes:
    sequences = [one for one in sets if one[0] & 31 == 7]
    pictures = [one for one in sets if one[0] & 31 == 8]
    body = [len(one).to_bytes(2) + one for one in (*sequences, *pictures)]
    body.insert(len(sequences), bytes([len(pictures)]))
    head = bytes([1, 0x64, 0, 0x1F, 0xFC | length_bytes - 1, 0xE0 | len(sequences)])
    return head + b"".join(body) + b"\xfd\xf8\xf8\0"  # what High profiles have behind them


def by_length(*units: bytes, length_bytes: int = 4) -> bytes:
    return b"".join(len(one).to_bytes(length_bytes) + one for one in units)


def annex_b(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + one for one in units)


@pytest.mark.parametrize("length_bytes", [1, 2, 4])
def test_a_header_tells_its_parameter_sets(length_bytes: int) -> None:
    header = avcc(SPS, OTHER_SPS, PPS, length_bytes=length_bytes)
    assert length_size(header) == length_bytes
    assert configured_sets(header) == {SPS, OTHER_SPS, PPS}
    assert configured_sets(annex_b(SPS, PPS)) == {SPS, PPS}


def test_parameter_sets_that_are_repeated_change_nothing() -> None:
    configured = configured_sets(avcc(SPS, PPS))
    assert not changes_sets(by_length(SPS, PPS, IDR), 4, configured)
    assert not changes_sets(annex_b(SPS, PPS, IDR), None, configured)
    assert not changes_sets(by_length(SLICE), 4, configured)


@pytest.mark.parametrize("unit", [OTHER_SPS, b"\x68\xef", SUBSET_SPS, SPS[:-1]])
def test_a_parameter_set_that_the_header_lacks_changes_the_configuration(unit: bytes) -> None:
    configured = configured_sets(avcc(SPS, PPS))
    assert changes_sets(by_length(unit, IDR), 4, configured)
    assert changes_sets(by_length(SLICE, unit), 4, configured)
    assert changes_sets(annex_b(unit, IDR), None, configured)


def test_the_first_slice_says_whether_decoding_can_begin() -> None:
    assert is_idr(by_length(SPS, PPS, IDR), 4)
    assert not is_idr(by_length(SPS, PPS, SLICE), 4)
    assert is_idr(annex_b(SPS, IDR), None)
    assert not is_idr(b"", 4)


def test_an_empty_unit_hides_nothing_behind_it() -> None:
    assert list(units_of(by_length(b"", OTHER_SPS, b"", IDR), 4)) == [OTHER_SPS, IDR]


@given(st.binary(max_size=60), st.sampled_from([None, 1, 2, 4]))
def test_no_bytes_are_too_strange(data: bytes, length_bytes: int | None) -> None:
    assert all(units_of(data, length_bytes))
    configured_sets(data)
    configured_sets(b"\1" + data)
