from hypothesis import given
from hypothesis import strategies as st

from storage.token_bucket import Bucket, drawn, filled, seconds_until

BUCKETS = st.builds(Bucket, st.integers(1, 1000), st.floats(0.01, 1000.0))
STEPS = st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(0, 50)), max_size=30)
JUMPS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 50)), max_size=30)


@given(BUCKETS, STEPS)
def test_no_more_is_drawn_than_the_capacity_and_what_came_in(
    bucket: Bucket, steps: list[tuple[float, int]]
) -> None:
    level, now, total = None, 0.0, 0
    for seconds, wanted in steps:
        now += seconds
        level, granted = drawn(level, bucket, now, wanted)
        assert 0 <= granted <= wanted
        total += granted
    assert total <= bucket.capacity + bucket.per_second * now + 1e-6


@given(BUCKETS, JUMPS)
def test_whatever_the_clock_does_a_level_stays_between_empty_and_full(
    bucket: Bucket, jumps: list[tuple[float, int]]
) -> None:
    level = None
    for now, wanted in jumps:
        level, _ = drawn(level, bucket, now, wanted)
        assert 0.0 <= level.tokens <= bucket.capacity


@given(BUCKETS, st.floats(0.0, 1e6))
def test_an_empty_bucket_fills_again_after_the_clock_went_back(bucket: Bucket, back: float) -> None:
    level, _ = drawn(None, bucket, back, bucket.capacity)
    level = filled(level, bucket, 0.0)
    wait = seconds_until(1.0, level.tokens, bucket)
    assert filled(level, bucket, wait + 1e-6).tokens >= 1.0 - 1e-6


@given(BUCKETS, st.integers(0, 1000), st.integers(0, 1000))
def test_what_is_put_back_never_overfills(bucket: Bucket, wanted: int, returned: int) -> None:
    level, granted = drawn(None, bucket, 0.0, wanted)
    level, _ = drawn(level, bucket, 0.0, 0, returned)
    assert level.tokens == min(bucket.capacity, bucket.capacity - granted + returned)
