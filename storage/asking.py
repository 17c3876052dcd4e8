"""Who is asking: carried beside every statement, so that the database can check what our code may forget.

The gateway says it once per request; the pool tells Postgres before the first statement (row-level security,
`migrations/0016_row_level_security.sql`). Not an argument: a query that was given the wrong owner must not
also be given the wrong asker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from storage.identity_records import NOBODY_ID, Role

AskingRole = Role | Literal["anonymous", "sign_in"]
"""`sign_in` may look for an account, session or key before it is known whose it is, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """On whose behalf statements run."""

    user_id: UUID = NOBODY_ID
    role: AskingRole = "anonymous"
    upload_id: UUID = NOBODY_ID
    """The upload whose signed URL was presented, which is its own permission."""


ANYBODY: Final = Asking()
SIGN_IN: Final = Asking(role="sign_in")
_asking: ContextVar[Asking] = ContextVar("asking", default=ANYBODY)


def who_asks() -> Asking:
    """Return on whose behalf the running task asks."""
    return _asking.get()


@contextmanager
def asking_as(asking: Asking) -> Iterator[None]:
    """Run the body on somebody's behalf."""
    token = _asking.set(asking)
    try:
        yield
    finally:
        _asking.reset(token)
