from collections.abc import Callable

import pytest

from actors.engines.clip.probe_limits import ProbeLimits, check_cost, check_length, check_picture
from actors.engines.errors import SENTENCES, BadMedia, Refusal

LIMITS = ProbeLimits()


@pytest.mark.parametrize("size", [(1920, 1080), (4320, 7680), (8192, 4352), (1, 1)])
def test_real_pictures_pass(size: tuple[int, int]) -> None:
    check_picture(*size, LIMITS)


@pytest.mark.parametrize(
    ("check", "code"),
    [
        (lambda: check_picture(8192, 8192, LIMITS), Refusal.TOO_LARGE_PICTURE),
        (lambda: check_picture(16, 8193, LIMITS), Refusal.TOO_LARGE_PICTURE),
        (lambda: check_picture(0, 100, LIMITS), Refusal.DAMAGED),
        (lambda: check_length(3 * 3600 + 1, LIMITS), Refusal.TOO_LONG),
        (lambda: check_cost(8192 * 4352, 60 * 3600, LIMITS), Refusal.TOO_MUCH_PICTURE),
    ],
)
def test_what_is_too_much_is_refused_with_its_code(check: Callable[[], None], code: Refusal) -> None:
    with pytest.raises(BadMedia) as refused:
        check()
    assert refused.value.code is code


def test_three_hours_of_full_hd_at_sixty_pass() -> None:
    check_length(3 * 3600, LIMITS)
    check_cost(1920 * 1080, 3 * 3600 * 60, LIMITS)


@pytest.mark.parametrize("code", list(Refusal))
def test_every_refusal_tells_the_owner_what_to_do(code: Refusal) -> None:
    assert BadMedia(code).sentence == SENTENCES[code]
    assert SENTENCES[code].endswith(".")
