"""What an error began with: a task group wraps it in a group that says nothing by itself."""

from collections.abc import Iterator
from contextlib import contextmanager


def causes(error: BaseException) -> list[BaseException]:
    """Return the errors of a group, however deep they lie; an error that is no group is its own cause."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for one in error.exceptions for cause in causes(one)]
    return [error]


@contextmanager
def first_cause() -> Iterator[None]:
    """Raise the first error of a group that the body raises, instead of the group."""
    found: list[BaseException] = []
    try:
        yield
    except BaseExceptionGroup as group:
        found = causes(group)
    if found:
        # With its own cause and without the group as its context.
        raise found[0] from found[0].__cause__
