"""The one place that tells an outage of Postgres from a mistake of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from storage.errors import QuotaExceededError, StorageUnavailableError

QUOTA_CONSTRAINT: Final = "upload_quota"
"""What `count_upload` in `migrations/0014_upload_days.sql` says was violated."""

_OUTAGE_CLASSES: Final = ("08", "53", "57", "58")
"""Connection exceptions, lack of resources, operator intervention (which has timeouts), system errors."""
_OUTAGE_STATES: Final = ("25P03", "25006", "40001", "40P01", "55P03")
"""Idle transaction cut off, read-only after a failover, lost a conflict or a deadlock, a lock not to be had.

Both from https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""


def is_outage(error: BaseException) -> bool:
    """Whether repeating the same later is right: the server is gone, stopping, full or too busy."""
    if isinstance(error, OSError):  # TimeoutError and every refused or reset connection are among them
        return True
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state.startswith(_OUTAGE_CLASSES) or state in _OUTAGE_STATES
    if isinstance(error, asyncpg.InternalClientError):
        # The server's farewell was read on an idle connection, but not yet its end: seen in our test of a
        # killed server, and https://github.com/MagicStack/asyncpg/issues/1069.
        return True
    # The driver has one class for a connection that closed under us and for misuse: only its words differ.
    words = str(error)
    return type(error) is asyncpg.InterfaceError and ("clos" in words or "released" in words)


@contextmanager
def mapped_quota() -> Iterator[None]:
    """Turn the refusal of `count_upload` into QuotaExceededError; let everything else pass."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != QUOTA_CONSTRAINT:
            raise
        raise QuotaExceededError(str(error)) from error


@contextmanager
def mapped_failures() -> Iterator[None]:
    """Turn outages into StorageUnavailableError; let everything else pass."""
    try:
        yield
    except Exception as error:
        if not is_outage(error):
            raise
        raise StorageUnavailableError(f"Postgres: {error or type(error).__name__}") from error
