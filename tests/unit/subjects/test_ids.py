from datetime import UTC, datetime
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from subjects.ids import RANDOM_BITS, derived_uuid7, new_id, uuid7, uuid8

MOMENTS = st.integers(0, 2**48 - 1)
RANDOM = st.integers(0, 2**RANDOM_BITS - 1)


@given(MOMENTS, RANDOM, RANDOM)
def test_an_id_of_a_later_millisecond_sorts_behind_whatever_the_random_part_is(now_ms, one, other):
    earlier, later = uuid7(now_ms, one), uuid7(now_ms + 1, other)
    if now_ms + 1 < 2**48:
        assert earlier < later
        assert str(earlier) < str(later)


@given(MOMENTS, RANDOM)
def test_an_id_is_a_uuid_of_version_7_that_keeps_its_moment_and_its_randomness(now_ms, random):
    made = uuid7(now_ms, random)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == now_ms
    assert (made.int >> 64 & 0xFFF) << 62 | made.int & (2**62 - 1) == random


def test_a_new_id_carries_the_millisecond_it_was_made_in():
    now = datetime(2026, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC)
    assert new_id(now).int >> 80 == 1_777_636_800_123
    assert new_id(now) != new_id(now)


@given(MOMENTS, RANDOM)
def test_a_derived_id_is_the_same_on_every_try_and_another_for_another_purpose(now_ms, random):
    cause = uuid7(now_ms, random)
    derived = derived_uuid7(cause, "upload")
    assert derived == derived_uuid7(cause, "upload")
    assert len({cause, derived, derived_uuid7(cause, "other")}) == 3
    assert (derived.version, derived.int >> 80) == (7, now_ms)


@given(st.binary(min_size=16, max_size=32))
def test_an_id_of_a_digest_is_a_uuid_of_its_own_version_and_always_the_same(digest):
    made = uuid8(digest)
    assert made == uuid8(digest) == UUID(str(made))
    assert (made.version, made.variant) == (8, RFC_4122)
    other = bytes([digest[0] ^ 1]) + digest[1:]
    assert uuid8(other) != made
