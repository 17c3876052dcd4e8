"""Migrations: plain SQL files applied once each, in the order of their names, forward only.

A file is one transaction. One whose first line is `-- no transaction` runs statement by statement (each
ends with a semicolon at the end of a line) outside of any, for `create index concurrently`. It is recorded
only once all of it has run, so after a crash it runs again from its start and must be written for that:
`drop index if exists …;` first, which also clears away the invalid index a broken build leaves behind.

Any number of processes may migrate at once. They take turns by polling an advisory lock: the blocking form
would wait inside a snapshot that a concurrent index build in turn waits for
(https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY).
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import asyncpg

from storage.errors import StorageError
from storage.postgres.failures import is_outage, mapped_failures
from storage.queries import Queries

NO_TRANSACTION: Final = "-- no transaction"
POLL_SECONDS: Final = 0.05
CONNECT_SECONDS: Final = 5.0
_STEP_END: Final = re.compile(r";\s*$", re.MULTILINE)
_PACKAGE: Final = Path(__file__).parent


class MigrationError(StorageError):
    """The files and the database contradict each other: a person must look."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its text and the hash that its record must have."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """The hash of the text, as hex digits."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def steps(self) -> list[str]:
        """What is sent to the server one after the other: the whole text, unless marked."""
        return [step for step in _STEP_END.split(self.text) if step.strip()] if self.marked else [self.text]

    @property
    def marked(self) -> bool:
        """Whether it runs outside of any transaction."""
        return self.text.startswith(NO_TRANSACTION)


def default_directory() -> Path:
    """Return where the files lie: inside the installed package, or beside the code in its repository."""
    # That order, because another distribution may well install a folder named `migrations`.
    installed = _PACKAGE.parent / "deploy" / "data" / "migrations"
    return installed if installed.is_dir() else _PACKAGE.parent / "migrations"


def read_migrations(directory: Path | None = None) -> list[Migration]:
    """Return the migrations of a directory in order. Raises MigrationError when there are none."""
    folder = directory or default_directory()
    files = sorted(folder.glob("*.sql"))
    if not files:
        raise MigrationError(f"there are no migrations in {folder}")
    return [Migration(file.name, file.read_text(encoding="utf-8")) for file in files]


async def migrate(database_url: str, directory: Path | None = None) -> list[str]:
    """Apply what is missing and return its names, once every other migrator is done.

    Raises MigrationError, before anything is applied, for a file that was edited after it was applied, and
    for one that the server refuses: that file has then changed nothing, unless marked `-- no transaction`.
    A record without a file is no error: older code meets a newer database during a roll-out.
    """
    migrations = read_migrations(directory)
    async with _open_ledger(database_url) as ledger, ledger.turn():
        missing = _missing(migrations, await ledger.read(create=True))
        for migration in missing:
            await ledger.apply(migration)
    return [migration.name for migration in missing]


async def pending(database_url: str, directory: Path | None = None) -> list[str]:
    """Return the names of migrations that the database still lacks, for readiness. Changes nothing.

    Raises MigrationError when the database user may not read which there are.
    """
    migrations = read_migrations(directory)
    async with _open_ledger(database_url) as ledger:
        try:
            applied = await ledger.read(create=False)
        except asyncpg.InsufficientPrivilegeError as error:
            raise MigrationError(
                f"{error}: run `truthtok migrate`, and let the database user of this process belong to "
                "truthtok_gateway (the API, the media plane) or truthtok_actor (actors)"
            ) from error
        return [migration.name for migration in _missing(migrations, applied)]


def _missing(migrations: list[Migration], applied: dict[str, str]) -> list[Migration]:
    for migration in migrations:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationError(
                f"{migration.name} was edited after it was applied: restore it and write a new migration"
            )
    return [migration for migration in migrations if migration.name not in applied]


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The table `schema_migrations`, over one connection that holds the turn."""

    connection: Any
    queries: Queries

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the lock for the body."""
        while not await self.connection.fetchval(self.queries["take_turn"]):  # noqa: ASYNC110 - see above
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            if not self.connection.is_closed():  # a lost connection has given the lock back already
                await self.connection.execute(self.queries["end_turn"])

    async def read(self, *, create: bool) -> dict[str, str]:
        """Return the hashes of the applied files by name."""
        if create:
            await self.connection.execute(self.queries["create_schema_migrations"])
        elif not await self.connection.fetchval(self.queries["has_schema_migrations"]):
            return {}
        rows = await self.connection.fetch(self.queries["list_schema_migrations"])
        return {row["name"]: row["sha256"] for row in rows}

    async def apply(self, migration: Migration) -> None:
        """Run one file and record it. Raises MigrationError when the server refuses it."""
        try:
            await self._run(migration)
        except asyncpg.PostgresError as error:
            if is_outage(error):
                raise
            raise MigrationError(f"{migration.name}: {error}") from error

    async def _run(self, migration: Migration) -> None:
        together = nullcontext() if migration.marked else self.connection.transaction()
        async with together:
            for step in migration.steps:
                await self.connection.execute(step)
            record = self.queries["record_schema_migration"]
            await self.connection.execute(record, migration.name, migration.sha256)


@asynccontextmanager
async def _open_ledger(database_url: str) -> AsyncIterator[_Ledger]:
    with mapped_failures():
        session = {"application_name": "truthtok migrate"}
        connection = await asyncpg.connect(database_url, timeout=CONNECT_SECONDS, server_settings=session)
        try:
            yield _Ledger(connection, Queries.read("migrations"))
        finally:
            await connection.close(timeout=CONNECT_SECONDS)
