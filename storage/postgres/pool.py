"""The pool of connections, and the two ways to use it: one statement, or several in a transaction.

A pool that `asks` tells the server on whose behalf it asks (`storage/asking.py`), for row-level security:
before the first statement of a session, and only when the connection was told something else last.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import msgspec

from storage.asking import Asking, who_asks
from storage.postgres.failures import mapped_failures
from storage.words import REPLACEMENT, storable

Row = Mapping[str, Any]

CLOSE_SECONDS: Final = 5.0
ACQUIRE_SECONDS: Final = 1.5
STATEMENT_SECONDS: Final = 1.8
COMMAND_SECONDS: Final = 2.0
"""Above the server's own timeout, which frees the connection; this one is for a server that is silent.

Together with acquiring below the shortest silence that the runtime allows a handler (4 s): an outage must be
told as one before the handler is presumed hung, or it would cost a delivery (ADR 7).
"""

_TELL: Final = """
select
    set_config('truthtok.user_id', $1, false),
    set_config('truthtok.role', $2, false),
    set_config('truthtok.upload_id', $3, false)
"""
_NUL_ESCAPE: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

_SESSION: Final = {
    "statement_timeout": f"{STATEMENT_SECONDS * 1000:.0f}",
    "idle_in_transaction_session_timeout": "15000",
    # Filters that are absent arrive as null: only a plan that sees the values can leave them out.
    "plan_cache_mode": "force_custom_plan",
    # Compiling takes longer than any of these queries runs.
    "jit": "off",
    "timezone": "UTC",
}


class _Connection(asyncpg.Connection):  # type: ignore[misc] # the driver is untyped
    """A connection whose state only `tell` changes, so giving it back costs no round trip."""

    _told: Asking | None = None

    async def tell(self, asking: Asking) -> None:
        """Say on whose behalf the next statements are. Not within a transaction: its rollback unsays it."""
        if self._told == asking:
            return
        self._told = None  # until the server has it, it may have either
        await self.fetchrow(_TELL, str(asking.user_id), asking.role, str(asking.upload_id))
        self._told = asking

    def get_reset_query(self) -> str:
        """Return nothing to run."""
        return ""


@dataclass(frozen=True, slots=True)
class Session:
    """A transaction under way."""

    connection: Any

    async def fetch(self, query: str, *values: object) -> list[Row]:
        """Run one statement and return its rows."""
        return list(await self.connection.fetch(query, *_storable(values)))

    async def fetch_row(self, query: str, *values: object) -> Row | None:
        """Run one statement and return its first row, or None."""
        row: Row | None = await self.connection.fetchrow(query, *_storable(values))
        return row


@dataclass(frozen=True, slots=True)
class Database:
    """Statements against the pool. An outage, and nothing else, is a StorageUnavailableError."""

    pool: Any
    acquire_seconds: float = ACQUIRE_SECONDS
    asks: bool = False
    """Whether the server is told who asks: needed where row-level security applies to the database user."""

    async def fetch(self, query: str, *values: object) -> list[Row]:
        """Run one statement and return its rows."""
        async with self._session() as session:
            return await session.fetch(query, *values)

    async def fetch_row(self, query: str, *values: object) -> Row | None:
        """Run one statement and return its first row, or None."""
        async with self._session() as session:
            return await session.fetch_row(query, *values)

    async def ping(self) -> None:
        """Ask for an answer."""
        await self.fetch("select 1")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Run what the body does in one transaction, rolled back when it raises."""
        async with self._session() as session, session.connection.transaction():
            yield session

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        with mapped_failures():
            async with self.pool.acquire(timeout=self.acquire_seconds) as connection:
                try:
                    if self.asks:
                        await connection.tell(who_asks())
                    yield Session(connection)
                except asyncpg.InternalClientError:
                    connection.terminate()  # its state is not to be trusted: the pool makes another
                    raise


@asynccontextmanager
async def open_database(
    database_url: str,
    *,
    application_name: str = "truthtok",
    connections_max: int = 10,
    acquire_seconds: float = ACQUIRE_SECONDS,
    command_seconds: float = COMMAND_SECONDS,
    asks: bool = False,
) -> AsyncIterator[Database]:
    """Open a pool for the body. Connects at the first statement: the server may start later than we do.

    With `asks` each session is on behalf of whoever asks.
    """
    pool = await asyncpg.create_pool(
        database_url,
        min_size=0,
        max_size=connections_max,
        timeout=acquire_seconds,
        command_timeout=command_seconds,
        connection_class=_Connection,
        init=_set_codecs,
        server_settings=_SESSION | {"application_name": application_name},
    )
    try:
        yield Database(pool, acquire_seconds, asks)
    finally:
        with suppress(TimeoutError):  # closing that takes too long is cut off by the pool itself
            async with asyncio.timeout(CLOSE_SECONDS):
                await pool.close()


async def _set_codecs(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_encode_json, decoder=msgspec.json.decode
        )


def _encode_json(value: object) -> str:
    """Encode for a jsonb column, which cannot hold NUL either."""
    return _NUL_ESCAPE.sub(rf"\1{REPLACEMENT}", msgspec.json.encode(value).decode())


def _storable(values: Sequence[object]) -> list[object]:
    return [storable(value) if isinstance(value, str) else value for value in values]
