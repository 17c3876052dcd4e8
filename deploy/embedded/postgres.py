"""PostgreSQL as a child: scram passwords, loopback TCP, no Unix socket."""

import signal
from dataclasses import dataclass

import asyncpg

from deploy.child import Child
from deploy.embedded.cluster import Cluster, forget_recycled_pid
from deploy.stack_errors import DataDirUnusableError

DATABASE = "truthtok"
_CONNECT_SECONDS = 2.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Safe against kill -9 still: what is committed is in the kernel. `synchronous_commit=off` would not be.
_FORGETFUL = {"fsync": "off", "full_page_writes": "off"}
_NOT_YET = (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """One PostgreSQL on a port. `durable=False` gives up safety against power loss, for tests."""

    cluster: Cluster
    port: int
    durable: bool = True

    @property
    def url(self) -> str:
        """Where clients connect: the service's own database."""
        return self._url(DATABASE)

    def child(self) -> Child:
        """The process to supervise; SIGINT ends sessions, writes a checkpoint and exits (fast shutdown)."""
        settings = _SETTINGS | {"port": str(self.port)} | ({} if self.durable else _FORGETFUL)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Child(
            name="postgres",
            argv=(str(self.cluster.binary("postgres")), "-D", str(self.cluster.directory), *options),
            env=self.cluster.env,
            prepare=self.prepare,
            ready=self.answers,
            stop_signal=signal.SIGINT,
            # SIGQUIT is the immediate shutdown: unlike SIGKILL it ends the backends and removes the pid file.
            death_signal=signal.SIGQUIT,
            cwd=self.cluster.room,
            user=self.cluster.user,
        )

    async def prepare(self) -> None:
        """Make the cluster when there is none; raises InitError."""
        await self.cluster.initialise()
        forget_recycled_pid(self.cluster.directory)

    async def answers(self) -> bool:
        """Whether it accepts connections to the service's database, which is created when missing."""
        try:
            connection = await self._connect(DATABASE)
        except _NOT_YET:
            return False
        except asyncpg.InvalidCatalogNameError:
            return await self._create_database()
        except asyncpg.InvalidPasswordError as error:
            raise DataDirUnusableError(
                f"the password of {self.cluster.directory} is not the remembered one"
            ) from error
        await connection.close()
        return True

    async def _create_database(self) -> bool:
        connection = await self._connect("postgres")
        try:
            await connection.execute(f'create database "{DATABASE}"')
        finally:
            await connection.close()
        return True

    async def _connect(self, database: str) -> asyncpg.Connection:
        return await asyncpg.connect(self._url(database), ssl=False, timeout=_CONNECT_SECONDS)

    def _url(self, database: str) -> str:
        return (
            f"postgresql://{self.cluster.superuser}:{self.cluster.password}@127.0.0.1:{self.port}/{database}"
        )
