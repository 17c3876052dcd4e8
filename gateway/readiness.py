"""What every process of the house answers to /ready."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from gateway.problems import FieldError, ProblemError, pointer


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Every server that is needed answers."""

    status: Literal["ready"] = "ready"
    degraded: tuple[str, ...] = ()
    """Servers that do not answer and whose absence only makes answers slower."""


def unready(missing: Sequence[str]) -> ProblemError:
    """Return the 503 that names what is missing; why is for administrators."""
    return ProblemError(
        "unavailable",
        f"Not possible without {', '.join(missing)}.",
        [FieldError(pointer(name), "does not answer as it should") for name in missing],
        headers={"Retry-After": "1"},
    )
