"""The whole service on one machine: embedded servers, both gateways, every actor, as supervised children.

`truthtok up` and `truthtok demo` run this. Each process is what it would be in production, started by the
same commands with the same settings; only the servers are children instead of URLs.
"""

import argparse
import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from deploy.child import Child
from deploy.composition import ACTOR_NAMES
from deploy.data_dir import remembered_ports
from deploy.embedded import Servers, plan_servers
from deploy.keyring import KEY_LISTS, Keyring, remembered_keyring
from deploy.knock import is_ready
from deploy.places import nats_directory
from deploy.provisioning import apply_nats, keep_local_key, migrate_database
from deploy.render.nats_files import nats_users
from deploy.render.permissions import key_variable
from deploy.settings import Settings, SettingsError, child_environment
from deploy.stack_errors import StackError
from deploy.supervisor import Supervisor, supervise
from gateway.listening import WHY_LOOPBACK, is_loopback

ADMIN: Final = "admin"
LOOPBACK: Final = "127.0.0.1"
"""Where the actors of a stack answer probes, wherever the gateways listen."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: where data lies, ports of the gateways, and how many of each actor."""

    data_dir: Path
    port: int
    media_port: int
    replicas: Mapping[str, int] = field(default_factory=dict)
    without: frozenset[str] = frozenset()

    def actors(self) -> dict[str, str]:
        """Return the actor of each process by the name of the process. Raises SettingsError."""
        for name in {*self.replicas, *self.without} - {*ACTOR_NAMES}:
            raise SettingsError(f"there is no actor {name!r}: choose from {', '.join(ACTOR_NAMES)}")
        counts = {name: self.replicas.get(name, 1) for name in ACTOR_NAMES if name not in self.without}
        return {
            name if number == 1 else f"{name}-{number}": name
            for name, count in counts.items()
            for number in range(1, count + 1)
        }


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack that serves."""

    api_url: str
    media_url: str
    supervisor: Supervisor
    api_key: str = field(repr=False)
    """Of the operator's own account."""


def stack_settings(settings: Settings, plan: Plan, servers: Servers, keyring: Keyring) -> Settings:
    """Return the settings of the stack's processes: what was set, on these servers and ports."""
    return msgspec.structs.replace(
        settings,
        database_url=servers.database_url,
        redis_url=servers.redis_url,
        nats_url=servers.nats_url,
        nats_seed=keyring.seeds[ADMIN],
        nats_replicas=1,
        objects=settings.objects or str(plan.data_dir / "objects"),
        **{name: getattr(settings, name) or getattr(keyring, name) for name in KEY_LISTS},
        port=plan.port,
        media_port=plan.media_port,
    )


def process(
    name: str, command: tuple[str, ...], port: int, settings: Settings, seed: str, **changes: object
) -> Child:
    """Return one process of the service, ready when its HTTP endpoint says so."""
    own = msgspec.structs.replace(settings, nats_seed=seed, **changes)
    given = {
        one: "1" if value is True else str(value)
        for one, value in msgspec.structs.asdict(own).items()
        if value != Settings.__struct_defaults__[Settings.__struct_fields__.index(one)]
    }
    return Child(
        name=name,
        argv=(sys.executable, "-m", "deploy.cli", *command),
        env=child_environment(**given),
        ready=lambda: is_ready(own.host, port),
        grace_seconds=settings.drain_seconds + 5.0,
    )


def processes(plan: Plan, settings: Settings, keyring: Keyring, servers: Servers) -> list[Child]:
    """Return both gateways and every actor of the plan, each with the keys and the database user it needs."""
    seeds = keyring.seeds
    actors = plan.actors()
    ports = remembered_ports(plan.data_dir / "ops_ports.json", [*actors])
    api, media, worker = (
        msgspec.structs.replace(settings, database_url=servers.database_url_of(who), api_key="")
        for who in ("api", "media", "actors")
    )
    worker = for_actors(worker)
    return [
        process("api", ("gateway",), plan.port, api, seeds["gateway"]),
        process("media", ("media",), plan.media_port, media, seeds["media"]),
        *(
            process(name, ("actor", actor), port, worker, seeds[actor], ops_port=port, host=LOOPBACK)
            for (name, actor), port in zip(actors.items(), ports.values(), strict=True)
        ),
    ]


def for_actors(settings: Settings) -> Settings:
    """Return the settings without the keys that no actor needs: it signs nothing and reads no account."""
    is_needed = settings.encryption != "off" or settings.segment_encryption != "none"
    master_keys = settings.master_keys if is_needed else ""
    return msgspec.structs.replace(settings, signing_key="", token_keys="", master_keys=master_keys)


@asynccontextmanager
async def running_stack(
    plan: Plan, settings: Settings, *, handle_signals: bool = False
) -> AsyncIterator[RunningStack]:
    """Run a stack for the body; then no child is left. Raises StackError.

    The data directory is held by this process alone; what it keeps survives to the next run.
    """
    async with supervise(plan.data_dir, handle_signals=handle_signals) as supervisor:
        keyring = remembered_keyring(plan.data_dir, nats_users())
        servers = plan_servers(
            plan.data_dir,
            nats_config=nats_directory() / "permissions.conf",
            nats_env={key_variable(name): key for name, key in keyring.public_keys().items()},
        )
        supervisor.ports |= servers.ports | {"api": plan.port, "media": plan.media_port}
        await supervisor.start(*servers.children)
        settings = stack_settings(settings, plan, servers, keyring)
        await asyncio.gather(migrate_database(settings), apply_nats(settings))
        await asyncio.gather(servers.admit_members(), keep_local_key(settings, keyring.local_api_key))
        await supervisor.start(*processes(plan, settings, keyring, servers))
        config = settings.gateway()
        yield RunningStack(config.api_url, config.media_url, supervisor, keyring.local_api_key)


def check_host(settings: Settings) -> None:
    """Raise SettingsError unless both gateways may and can listen on the host of the settings."""
    host = settings.host
    if not settings.behind_proxy and not is_loopback(host):
        raise SettingsError(f"TRUTHTOK_HOST={host} is not for a stack: {WHY_LOOPBACK}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except OSError as error:
        raise SettingsError(f"TRUTHTOK_HOST={host} cannot be listened on: {error.strerror}") from error


async def up(given: argparse.Namespace, settings: Settings) -> int:
    """Run a stack until SIGINT or SIGTERM. Prints one line on stdout once everything serves."""
    plan = Plan(
        given.data.resolve(),
        given.port or settings.port,
        given.media_port or settings.media_port,
        given.replicas,
        frozenset(given.without),
    )
    if plan.port == plan.media_port:
        raise StackError("the API and the media plane need two different ports")
    check_host(settings)
    async with running_stack(plan, settings, handle_signals=True) as stack:
        print(f"ready {stack.api_url} media {stack.media_url}", flush=True)
        await asyncio.Event().wait()
    return 0
