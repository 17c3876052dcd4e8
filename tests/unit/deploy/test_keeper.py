import pytest

from deploy.keeper import LAST_DELAY_SECONDS, SETTLED_SECONDS, Life, Past

CRASHED = Life(was_ready=False, uptime_seconds=0.1, returncode=1)
KILLED = Life(was_ready=True, uptime_seconds=0.1, returncode=-9)
HEALTHY = Life(was_ready=True, uptime_seconds=SETTLED_SECONDS, returncode=1)


def past_of(*lives: Life) -> Past:
    past = Past()
    for life in lives:
        past = past.after(life)
    return past


def test_the_delay_doubles_with_every_short_life_up_to_a_limit() -> None:
    delays = [past_of(*[KILLED] * count).delay_seconds for count in range(1, 10)]
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, *[LAST_DELAY_SECONDS] * 3]


def test_a_healthy_life_resets_the_delay() -> None:
    assert past_of(*[CRASHED] * 4, HEALTHY).delay_seconds == 0.1


def test_failed_starts_in_a_row_are_counted() -> None:
    assert past_of(KILLED, *[CRASHED] * 3).failed_starts == 3


def test_being_killed_by_somebody_is_not_a_failed_start() -> None:
    assert past_of(*[CRASHED] * 3, KILLED).failed_starts == 0


def test_a_child_that_serves_for_a_moment_and_exits_with_an_error_fails_to_start() -> None:
    assert Life(was_ready=True, uptime_seconds=0.5, returncode=1).is_failed_start


@pytest.mark.parametrize("returncode", [0, -15])
def test_a_child_that_was_asked_to_stop_did_not_fail(returncode: int) -> None:
    assert not Life(was_ready=True, uptime_seconds=0.5, returncode=returncode).is_failed_start
