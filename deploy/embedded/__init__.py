"""Real servers without root, Docker or installation: nats-server, PostgreSQL and Redis as children.

async with Embedded(data_dir) as servers:
    await asyncpg.connect(servers.database_url)
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType

from deploy.child import Child
from deploy.data_dir import remembered_ports
from deploy.embedded.binaries import get_nats_server, get_redis_server
from deploy.embedded.cluster import Cluster
from deploy.embedded.members import Member, admit, remembered_members
from deploy.embedded.nats_server import NatsServer
from deploy.embedded.postgres import PostgresServer
from deploy.embedded.redis_server import RedisServer
from deploy.supervisor import Supervisor, supervise

__all__ = ["Embedded", "Servers", "plan_servers", "start_servers"]

_PORTS = ("nats", "postgres", "redis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where clients connect, and the children that serve there."""

    database_url: str = field(repr=False)
    """As the superuser: for migrations, and for operators."""
    redis_url: str = field(repr=False)
    nats_url: str = field(repr=False)
    ports: dict[str, int]
    children: tuple[Child, ...]
    members: Mapping[str, Member]
    """The database users of the processes, by `members.GROUPS`."""

    async def admit_members(self) -> None:
        """Let these users in, once the migrations are there. Raises StackError."""
        await admit(self.database_url, self.members.values())

    def database_url_of(self, who: str) -> str:
        """Return where one of the members connects, as itself."""
        member, at = self.members[who], self.database_url.rpartition("@")[2]
        return f"postgresql://{member.name}:{member.password}@{at}"


def plan_servers(
    data_dir: Path,
    *,
    nats_config: Path | None = None,
    nats_env: Mapping[str, str] = MappingProxyType({}),
    durable: bool = True,
) -> Servers:
    """Choose ports, passwords and places for the servers of a data directory that the caller holds locked.

    `nats_config` is a file with accounts and permissions that the NATS configuration includes, and
    `nats_env` the variables it refers to.
    `durable=False` makes Postgres faster and unsafe against power loss.
    Raises BinaryMissingError, DataDirUnusableError.
    """
    ports = remembered_ports(data_dir / "ports.json", _PORTS)
    nats = NatsServer.on(
        data_dir,
        binary=get_nats_server(),
        port=ports["nats"],
        accounts=nats_config,
        env=nats_env,
    )
    postgres = PostgresServer(cluster=Cluster.on(data_dir), port=ports["postgres"], durable=durable)
    redis = RedisServer.on(data_dir, binary=get_redis_server(), port=ports["redis"])
    return Servers(
        database_url=postgres.url,
        redis_url=redis.url,
        nats_url=nats.url,
        ports=ports,
        children=(postgres.child(), nats.child(), redis.child()),
        members=remembered_members(data_dir),
    )


async def start_servers(
    supervisor: Supervisor, *, nats_config: Path | None = None, durable: bool = True
) -> Servers:
    """Start the three servers side by side and return when all answer; arguments as of `plan_servers`."""
    servers = plan_servers(supervisor.data_dir, nats_config=nats_config, durable=durable)
    supervisor.ports |= servers.ports
    await supervisor.start(*servers.children)
    return servers


class Embedded(AbstractAsyncContextManager["Servers"]):
    """The three servers, started side by side on entry and gone on exit. One per data directory.

    `supervisor` is there from entry on. To start applications beside the servers, or to handle signals, use
    `supervise` with `start_servers`.
    """

    supervisor: Supervisor

    def __init__(self, data_dir: Path, *, nats_config: Path | None = None, durable: bool = True) -> None:
        self._running = self._run(data_dir.resolve(), nats_config, durable=durable)

    async def __aenter__(self) -> Servers:
        return await self._running.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._running.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def _run(
        self, data_dir: Path, nats_config: Path | None, *, durable: bool
    ) -> AsyncIterator[Servers]:
        async with supervise(data_dir) as self.supervisor:
            yield await start_servers(self.supervisor, nats_config=nats_config, durable=durable)
