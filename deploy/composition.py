"""The composition root: which adapter stands behind each port, and how each actor is made.

A new actor is one line in ACTORS.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from actors.core.actor import AnyActor
from actors.core.host import UNDERTAKER, actor_intake, undertaker_intake
from actors.core.intake import Intake
from actors.engines.probe import MediaProbe
from actors.engines.sandbox import Sandbox
from actors.engines.thumbnails import Illustrator
from actors.eraser import Eraser
from actors.expirer import Expirer
from actors.finisher import Finisher
from actors.prober import Prober
from actors.thumbnailer import Thumbnailer
from actors.uploader import Uploader
from deploy.settings import Settings, SettingsError
from storage.bundle import Storage
from storage.objects import StoredObjects
from storage.opening import open_storage
from storage.ports import Objects
from subjects.bus import Bus
from subjects.jetstream import connect


@dataclass(slots=True)
class Ports:
    """What a process has open. The sandbox is opened by the first actor that needs it."""

    bus: Bus
    storage: Storage
    scratch: Path
    sandbox: Sandbox = field(default_factory=Sandbox)


ACTORS: Final[Mapping[type[AnyActor], Callable[[Ports], AnyActor]]] = {
    Uploader: lambda has: Uploader(has.storage.objects, has.storage.videos),
    Prober: lambda has: Prober(
        MediaProbe(has.sandbox), has.storage.objects, has.storage.videos, has.scratch
    ),
    Thumbnailer: lambda has: Thumbnailer(
        Illustrator(has.sandbox), has.storage.objects, has.storage.videos, has.scratch
    ),
    Finisher: lambda has: Finisher(has.storage.videos),
    Expirer: lambda has: Expirer(has.storage.objects, has.storage.uploads, lambda: datetime.now(UTC)),
    Eraser: lambda has: Eraser(has.storage.objects),
}

NEEDS_SANDBOX: Final = frozenset({Prober.name, Thumbnailer.name})
ACTOR_NAMES: Final = (*(kind.name for kind in ACTORS), UNDERTAKER)


def make_intake(name: str, ports: Ports) -> Intake:
    """Return the intake of an actor by its name, or of the undertaker. Raises SettingsError."""
    if name == UNDERTAKER:
        return undertaker_intake(ports.bus, ports.storage.stages)
    for kind, make in ACTORS.items():
        if kind.name == name:
            return actor_intake(make(ports), ports.bus, ports.storage.stages)
    raise SettingsError(f"there is no actor {name!r}: choose from {', '.join(ACTOR_NAMES)}")


def open_objects(settings: Settings) -> Objects:
    """Return the object store of the settings. Raises SettingsError."""
    settings.need("objects")
    where = urlsplit(settings.objects)
    if where.scheme == "s3":
        settings.need("s3_access_key", "s3_secret_key")
        return StoredObjects.s3(
            bucket=where.netloc,
            endpoint=settings.s3_endpoint or None,
            region=settings.s3_region,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
        )
    if where.scheme not in ("", "file") or not Path(where.path).is_absolute():
        raise SettingsError("TRUTHTOK_OBJECTS must be an absolute directory or s3://bucket")
    return StoredObjects.local(Path(where.path))


@asynccontextmanager
async def open_ports(settings: Settings, name: str, *, sandbox: bool = False) -> AsyncIterator[Ports]:
    """Open everything a process needs, as the NATS user `name`; closed in reverse on leaving."""
    settings.need("database_url", "redis_url", "nats_url")
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(
            open_storage(settings.database_url, open_objects(settings), settings.redis_url)
        )
        bus = await stack.enter_async_context(
            connect(settings.nats_url, name=name, seed=settings.nats_seed or None)
        )
        scratch = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="truthtok-", dir=settings.scratch or None)
        )
        ports = Ports(bus, storage, Path(scratch))
        if sandbox:
            await stack.enter_async_context(ports.sandbox)
        yield ports


async def reachable(ports: Ports, timeout_seconds: float = 2.0) -> dict[str, str]:
    """Return what is wrong with each dependency, by name; an empty text means that it answers."""
    checks = {
        "nats": ports.bus.ping,
        "postgres": ports.storage.database.ping,
        "redis": ports.storage.cache.ping,
        "objects": ports.storage.objects.ping,
    }

    async def check(ping: Callable[[], object]) -> str:
        try:
            async with asyncio.timeout(timeout_seconds):
                await ping()  # type: ignore[misc] # each is a coroutine function with another result
        except Exception as error:  # noqa: BLE001 - whatever is wrong is the answer
            return str(error) or type(error).__name__
        return ""

    return dict(zip(checks, await asyncio.gather(*map(check, checks.values())), strict=True))
