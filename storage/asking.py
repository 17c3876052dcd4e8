"""Who is asking: carried beside every statement, so that the database can check what our code may forget.

Not an argument: a query that was given the wrong owner must not also be given the wrong asker. The gateway
says it, the pool tells Postgres before the first statement, and the policies of
`migrations/0016_row_level_security.sql` hold every query to it. What is said where:

    nothing                                   only what is public or unlisted can be read
    Asking(user_id, role)                     each request of somebody who signed in (the dispatcher)
    SIGN_IN                                   making an account; finding an account, session or key before it
                                              is known whose it is; rotating, ending a session
    Asking(user_id=…)                         as soon as that is known: opening a session, a new hash of the
                                              password, `touch` of a key, closing the account, and all else
    Asking(upload_id=…)                       the media plane on a signed upload URL: `Uploads.find`, to
                                              learn whose it is. It reads that upload and changes nothing
    Asking(user_id=its owner's, upload_id=…)  then everything about it, `Uploads.find` once more as well:
                                              only the owner sees the video, and so its priority

This is a wall against our own mistakes, such as a filter that was forgotten. Somebody who can run SQL of
their own choice says whatever they like: against that only values apart from the SQL help.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from storage.identity_records import NOBODY_ID, Role

AskingRole = Role | Literal["anonymous", "sign_in", "auditor"]
"""`auditor` reads the whole audit trail and has no other power: an administrator's key with that scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """On whose behalf statements run. What is one's own needs no role, only power over others' does."""

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
