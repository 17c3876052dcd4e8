"""What every process opens: the bus, the storage, a scratch directory; closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.foundations import APPLY, MIGRATE, Confinement, Foundation, missing_streams
from deploy.object_store import open_objects
from deploy.scratch import scratch_folder
from deploy.settings import Settings, SettingsError
from storage.bundle import Storage
from storage.migrations import pending
from storage.opening import open_storage
from storage.postgres.confinement import find_freedom
from storage.workspace import Workspace
from subjects.jetstream import JetStreamBus, connect


@dataclass(frozen=True, slots=True)
class Ports:
    """What a process has open."""

    bus: JetStreamBus
    storage: Storage
    workspace: Workspace
    migrations: Foundation
    streams: Foundation
    settings: Settings
    confinement: Confinement | None = None
    """Of processes that serve clients."""


@asynccontextmanager
async def open_ports(settings: Settings, name: str, *, asks: bool = False) -> AsyncIterator[Ports]:
    """Open everything a process needs, as the NATS user `name`; closed in reverse on leaving.

    `asks` is for processes that serve clients: the database is told who asks, and must hold them to it.
    """
    settings.need("database_url", "redis_url", "nats_url")
    vault = settings.vault() if settings.master_keys else None
    async with AsyncExitStack() as stack:
        try:
            storage = await stack.enter_async_context(
                open_storage(
                    settings.database_url,
                    open_objects(settings),
                    settings.redis_url,
                    vault=vault,
                    asks=asks,
                )
            )
        except ValueError as error:  # an option that the driver refuses; Postgres's are read at its first use
            raise SettingsError(f"REDIS_URL: {error}") from error
        bus = await stack.enter_async_context(
            connect(settings.nats_url, name=name, seed=settings.nats_seed or None)
        )
        scratch = stack.enter_context(scratch_folder(Path(settings.scratch) if settings.scratch else None))
        yield Ports(
            bus=bus,
            storage=storage,
            workspace=Workspace(storage.objects, scratch),
            migrations=Foundation(lambda: pending(settings.database_url), MIGRATE),
            streams=Foundation(lambda: missing_streams(bus.wire), APPLY),
            settings=settings,
            confinement=Confinement(lambda: find_freedom(settings.database_url)) if asks else None,
        )


async def reachable(ports: Ports, *, timeout_seconds: float = 2.0, cache: bool = False) -> dict[str, str]:
    """Return what is wrong with each dependency, by name; an empty text means that it answers and is set up.

    The cache is asked only on request: without it everything works, slower.
    """
    checks: dict[str, Callable[[], Awaitable[object]]] = {
        "nats": ports.bus.ping,
        "postgres": ports.storage.database.ping,
        "objects": ports.storage.objects.ping,
        "migrations": ports.migrations.check,
        "streams": ports.streams.check,
    }
    if ports.confinement is not None:
        checks["database_user"] = ports.confinement.check
    if cache:
        checks["redis"] = ports.storage.cache.ping

    async def check(ping: Callable[[], Awaitable[object]]) -> str:
        try:
            async with asyncio.timeout(timeout_seconds):
                await ping()
        except Exception as error:  # noqa: BLE001 - whatever is wrong is the answer
            return str(error) or type(error).__name__
        return ""

    return dict(zip(checks, await asyncio.gather(*map(check, checks.values())), strict=True))
