from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from actors.core.actor import Delivery
from actors.core.errors import HungError, Reject, Retry
from actors.core.verdict import BACKOFF_LIMIT_SECONDS, Bury, Done, Later, backoff_seconds, judge
from storage.errors import VideoGoneError
from subjects.codec import UndecodableError

DELIVERY = Delivery(max_deliver=3)


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_backoff_is_positive_and_bounded(attempt: int, chance: float) -> None:
    assert 0 < backoff_seconds(attempt, chance) <= BACKOFF_LIMIT_SECONDS


@given(st.integers(1, 6), st.floats(0, 1, exclude_max=True))
def test_the_next_attempt_never_waits_less_than_this_one_could(attempt: int, chance: float) -> None:
    assert backoff_seconds(attempt + 1, 0.0) >= backoff_seconds(attempt, chance) * 0.99


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_two_replicas_that_failed_together_come_back_apart(one: float, other: float) -> None:
    assert (backoff_seconds(3, one) == backoff_seconds(3, other)) == (one == other) or abs(one - other) < 1e-9


def test_an_unknown_error_is_tried_again_later() -> None:
    verdict = judge(ValueError("odd"), 1, DELIVERY, 0.0)
    assert isinstance(verdict, Later)
    assert "ValueError: odd" in verdict.reason


def test_an_unknown_error_on_the_last_attempt_is_buried_with_its_reason() -> None:
    assert judge(ValueError("odd"), 3, DELIVERY, 0.0) == Bury("out_of_attempts", "ValueError: odd")


def test_a_retry_waits_as_long_as_the_handler_said() -> None:
    assert judge(Retry(12.5, "busy"), 1, DELIVERY, 0.9) == Later(12.5, "Retry: busy")


def test_a_reject_is_buried_at_once_under_its_code() -> None:
    assert judge(Reject("no_such_codec", "it says so"), 1, DELIVERY, 0.0) == Bury(
        "no_such_codec", "it says so"
    )


def test_bytes_that_are_no_message_are_buried_at_once() -> None:
    assert judge(UndecodableError("video.probed: bad"), 1, DELIVERY, 0.0) == Bury(
        "undecodable", "video.probed: bad"
    )


def test_work_for_a_deleted_video_is_done() -> None:
    assert judge(VideoGoneError(UUID(int=1)), 1, DELIVERY, 0.0) == Done(outcome="gone")


def test_a_hung_handler_is_tried_again() -> None:
    assert isinstance(judge(HungError(5.0), 1, DELIVERY, 0.0), Later)
