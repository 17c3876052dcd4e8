"""Which subjects a pattern covers: `*` stands for one token, `>` for all that follow (at least one)."""

from functools import lru_cache
from itertools import zip_longest


@lru_cache(maxsize=4096)
def covers(pattern: str, subject: str) -> bool:
    """Whether `pattern` covers `subject`, which may be a pattern itself: then all that it covers."""
    for wanted, given in zip_longest(pattern.split("."), subject.split(".")):
        if wanted == ">":
            return given is not None
        if wanted is None or given is None or given == ">":
            return False
        if wanted not in ("*", given):
            return False
    return True


def covers_any(patterns: tuple[str, ...], subject: str) -> bool:
    """Whether any of the patterns covers the subject."""
    return any(covers(pattern, subject) for pattern in patterns)
