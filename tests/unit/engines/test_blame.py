import pytest

from actors.engines.blame import TRIES_BEFORE_BLAMING_THE_CLIP, blamed_on_the_clip
from actors.engines.errors import BadMedia, JobFailed, JobKilled, JobSpent, JobTimeout

ACCIDENTS = [JobKilled("memory"), JobTimeout("silent")]


@pytest.mark.parametrize("error", ACCIDENTS, ids=lambda error: type(error).__name__)
def test_a_child_may_die_of_a_crowded_machine_twice(error: Exception) -> None:
    for attempt in range(1, TRIES_BEFORE_BLAMING_THE_CLIP):
        with pytest.raises(type(error)), blamed_on_the_clip(attempt):
            raise error


@pytest.mark.parametrize("error", ACCIDENTS, ids=lambda error: type(error).__name__)
def test_one_that_always_dies_dies_of_its_clip(error: Exception) -> None:
    with pytest.raises(BadMedia, match="damaged"), blamed_on_the_clip(TRIES_BEFORE_BLAMING_THE_CLIP):
        raise error


def test_a_clip_that_uses_up_the_processor_is_blamed_at_once() -> None:
    with pytest.raises(BadMedia, match="damaged"), blamed_on_the_clip(1):
        raise JobSpent("5 s")


def test_a_defect_of_ours_is_never_blamed_on_a_clip() -> None:
    with pytest.raises(JobFailed), blamed_on_the_clip(9):
        raise JobFailed("our own")
