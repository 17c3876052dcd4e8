from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip import decode_times as columns


def decode_times(shown: list[int]) -> list[int] | None:
    times = columns.decode_times(np.array(shown, np.int64))
    return None if times is None else times.tolist()


def test_pictures_in_order_are_decoded_when_they_are_shown() -> None:
    assert decode_times([0, 33, 67, 100]) == [0, 33, 67, 100]


def test_reordered_pictures_are_decoded_as_much_earlier_as_one_has_to_wait() -> None:
    assert decode_times([0, 4, 2, 1, 3, 8, 6, 5, 7]) == [-2, -1, 0, 1, 2, 3, 4, 5, 6]


def test_two_pictures_at_one_time_have_no_order() -> None:
    assert decode_times([0, 33, 33]) is None


def test_nothing_takes_no_time() -> None:
    assert decode_times([]) == []


@given(st.lists(st.integers(-1000, 10**9), unique=True))
def test_decode_times_grow_and_are_never_late(shown: list[int]) -> None:
    times = decode_times(shown)
    assert times is not None
    assert all(before < after for before, after in pairwise(times))
    assert all(decoded <= seen for decoded, seen in zip(times, shown, strict=True))
    assert not shown or any(decoded == seen for decoded, seen in zip(times, shown, strict=True))
