"""What each process of the service does: the API, the media plane, an actor, and the one-off commands."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

from actors.core.host import UNDERTAKER, Host
from deploy.causes import first_cause
from deploy.ports import Ports, open_ports, reachable
from deploy.settings import Settings, SettingsError
from deploy.stack_errors import StackError
from gateway.config import GatewayConfig
from gateway.identity.identification import identification_of
from gateway.limits.leases import make_limits
from gateway.ports import Dependency, Identification, Queue
from gateway.ports import Ports as GatewayPorts
from gateway.relay import Relay
from storage.segment_keys import SegmentKeys
from subjects.jetstream import JetStreamBus
from subjects.queues import queues


def run_until_stopped(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run `work` on uvloop; SIGINT and SIGTERM set its event."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await work(stop)

    uvloop.run(main())


async def run_actors(settings: Settings, names: list[str], stop: asyncio.Event) -> None:
    """Run actors until `stop`, then drain. With an ops port, serves health and metrics beside them.

    Raises SettingsError for several names with a NATS seed: it lets in one user, who may pull for one actor.
    """
    check_names(settings, names)
    from actors.engines.sandbox.sandbox import Sandbox  # noqa: PLC0415 - only actors load the media libraries
    from deploy.composition import NEEDS_SANDBOX, make_intake  # noqa: PLC0415

    sandbox = Sandbox()
    async with AsyncExitStack() as stack:
        ports = await stack.enter_async_context(open_ports(settings, names[0]))
        if not NEEDS_SANDBOX.isdisjoint(names):
            await stack.enter_async_context(sandbox)
        host = Host([make_intake(name, ports, sandbox) for name in names], settings.drain_seconds)
        await with_ops(settings, ports, host.run(stop))


def check_names(settings: Settings, names: list[str]) -> None:
    """Raise SettingsError unless these actors exist and may share a process."""
    from deploy.composition import ACTOR_NAMES  # noqa: PLC0415 - only actors load the media libraries

    for name in names:
        if name not in ACTOR_NAMES:
            raise SettingsError(f"there is no actor {name!r}: choose from {', '.join(ACTOR_NAMES)}")
    if settings.nats_seed and len(names) > 1:
        raise SettingsError(
            "TRUTHTOK_NATS_SEED is the key of one actor's NATS user: run each actor in a process of its own"
        )


async def serve_media_plane(settings: Settings, stop: asyncio.Event) -> None:
    """Serve uploads and media until `stop`, then drain."""
    from gateway.media.server import serve_media  # noqa: PLC0415 - granian is loaded only where it serves

    config = settings.gateway()
    async with open_ports(settings, "media", asks=True) as ports:
        with port_busy_explained():
            await serve_media(
                config,
                ports.storage,
                ports.bus,
                identification=identified_by(config, ports),
                limits=make_limits(config, ports.storage.buckets),
                segment_keys=SegmentKeys(settings.vault()),
                host=settings.host,
                port=settings.media_port,
                ready=lambda: reachable(ports),
                stop=stop,
            )


@contextmanager
def port_busy_explained() -> Iterator[None]:
    """Raise StackError for an address of the body that cannot be bound. Only where granian is loaded."""
    from gateway.media.embedded import PortBusyError  # noqa: PLC0415

    try:
        with first_cause():
            yield
    except PortBusyError as error:
        raise StackError(str(error)) from error


def serve_gateway(settings: Settings) -> int:
    """Serve the JSON API until SIGTERM. Robyn owns the process: it exits by itself."""
    from gateway.robyn_server import run_api  # noqa: PLC0415 - importing robyn reads the arguments

    @asynccontextmanager
    async def opened() -> AsyncIterator[GatewayPorts]:
        async with open_ports(settings, "gateway", asks=True) as ports, relaying(ports) as relay:
            yield gateway_ports(ports, relay, settings)

    settings.need("database_url", "redis_url", "nats_url", "objects")
    run_api(
        settings.gateway(),
        opened,
        host=settings.host,
        port=settings.port,
        behind_proxy=settings.behind_proxy,
    )


@asynccontextmanager
async def relaying(ports: Ports) -> AsyncIterator[Relay]:
    """Run the relay of this process for the body."""
    relay, over = Relay(ports.storage.outbox, ports.bus), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(over))
        try:
            yield relay
        finally:
            over.set()


def gateway_ports(ports: Ports, relay: Relay, settings: Settings) -> GatewayPorts:
    """Return the ports as the API wants them. Raises SettingsError."""
    storage, config = ports.storage, settings.gateway()
    return GatewayPorts(
        videos=storage.videos,
        uploads=storage.uploads,
        idempotency=storage.idempotency,
        accounts=storage.accounts,
        departures=storage.departures,
        sessions=storage.sessions,
        api_keys=storage.api_keys,
        audit=storage.audit,
        identification=identified_by(config, ports),
        limits=make_limits(config, storage.buckets),
        vault=settings.vault(),
        bus=ports.bus,
        queues=DurableQueues(ports.bus),
        kick=relay.kick,
        dependencies=(
            Dependency(name="nats", ping=ports.bus.ping),
            Dependency(name="postgres", ping=storage.database.ping),
            Dependency(name="objects", ping=storage.objects.ping),
            Dependency(name="migrations", ping=ports.migrations.check),
            Dependency(name="streams", ping=ports.streams.check),
            *([Dependency(name="database_user", ping=held.check)] if (held := ports.confinement) else []),
            Dependency(name="redis", ping=storage.cache.ping, required=False),
        ),
    )


def identified_by(config: GatewayConfig, ports: Ports) -> Identification:
    """Return what finds out who asks one process."""
    storage = ports.storage
    return identification_of(config, storage.sessions, storage.api_keys, storage.audit)


@dataclass(frozen=True, slots=True)
class DurableQueues:
    """How the durables stand, as the API wants to hear it."""

    bus: JetStreamBus

    async def list_queues(self) -> list[Queue]:
        """Return every durable that belongs to an actor's class, and the undertaker's, which has none."""
        return [
            Queue(
                actor=actor or UNDERTAKER,
                priority=priority if actor else "",
                stream=one.stream,
                pending=one.pending,
                in_flight=one.in_flight,
                redelivered=one.redelivered,
                oldest_age_seconds=one.oldest_age_seconds,
            )
            for one in await queues(self.bus)
            for actor, _, priority in [one.durable.rpartition("-")]
            if actor or one.durable == UNDERTAKER
        ]


async def with_ops(settings: Settings, ports: Ports, work: Coroutine[Any, Any, None]) -> None:
    """Do the work with /health, /ready and /metrics beside it, if there is a port for them."""
    if not settings.ops_port:
        await work
        return
    from gateway.ops import serve_ops  # noqa: PLC0415 - granian is loaded only where it serves

    over = asyncio.Event()
    with port_busy_explained():
        async with asyncio.TaskGroup() as group:
            group.create_task(
                serve_ops(
                    host=settings.host, port=settings.ops_port, ready=lambda: reachable(ports), stop=over
                )
            )
            await work
            over.set()
