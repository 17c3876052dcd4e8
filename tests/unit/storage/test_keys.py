from uuid import UUID

import pytest

from storage.keys import LONGEST_PART, checked_key, derived_key

VIDEO = UUID(int=1)


@pytest.mark.parametrize(
    "name", ["", "/", "../x", "a/../b", "a//b", "./a", "a\x00b", "a\\b", "%2e%2e/x", "a b", "é"]
)
def test_a_name_with_tricks_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="plain relative name"):
        derived_key(VIDEO, name)


@pytest.mark.parametrize("name", ["a" * (LONGEST_PART + 1), "/".join(["a" * 100] * 11)])
def test_a_name_that_no_store_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="longer than a store can hold"):
        checked_key(name)
