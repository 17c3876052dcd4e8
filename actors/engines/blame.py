"""When a clip is to blame for what became of its jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from actors.engines.errors import BadMedia, JobKilled, JobSpent, JobTimeout, Refusal

TRIES_BEFORE_BLAMING_THE_CLIP: Final = 3
"""A child may die of a crowded machine once; one that always dies, dies of its clip."""


@contextmanager
def blamed_on_the_clip(attempt: int) -> Iterator[None]:
    """Turn the death of a job's child, from the third attempt on, into BadMedia `damaged`.

    One that used up its processor time is no accident, and blamed at once.
    """
    try:
        yield
    except JobSpent as error:
        raise BadMedia(Refusal.DAMAGED, str(error)) from error
    except (JobKilled, JobTimeout) as error:
        if attempt < TRIES_BEFORE_BLAMING_THE_CLIP:
            raise
        raise BadMedia(Refusal.DAMAGED, str(error)) from error
