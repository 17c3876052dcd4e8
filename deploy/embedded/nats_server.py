"""nats-server with JetStream as a child: store below the data directory, loopback only, no monitoring port.

That one would tell every user of the machine who is connected and what streams there are.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.child import Child
from deploy.embedded.exchange import answers
from deploy.embedded.private_files import quoted, remembered_password, write_private

USER = "truthtok"
_CONFIG = """\
server_name: truthtok
listen: "127.0.0.1:{port}"
jetstream {{
  store_dir: {store}
  max_mem: {max_memory_bytes}
  max_file: {max_file_bytes}
}}
{access}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsServer:
    """One nats-server on a port, its JetStream store in `directory`.

    `accounts` is a configuration file with accounts and permissions to include, whose variables are looked up
    in `env`; without one there is a single user with a password, which is then part of the URL.
    """

    binary: Path
    directory: Path
    port: int
    password: str
    accounts: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    max_memory_bytes: int = 256 * 1024**2
    max_file_bytes: int = 10 * 1024**3

    @classmethod
    def on(
        cls,
        data_dir: Path,
        *,
        binary: Path,
        port: int,
        accounts: Path | None,
        env: Mapping[str, str],
    ) -> "NatsServer":
        """The server of a data directory, with its remembered password."""
        directory = data_dir / "nats"
        password = remembered_password(directory / "password")
        return cls(
            binary=binary,
            directory=directory,
            port=port,
            password=password,
            accounts=accounts.resolve() if accounts else None,
            env=env,
        )

    @property
    def url(self) -> str:
        """Where clients connect; without user and password when `accounts` says who may."""
        user = "" if self.accounts else f"{USER}:{self.password}@"
        return f"nats://{user}127.0.0.1:{self.port}"

    def child(self) -> Child:
        """The process to supervise; SIGTERM is its orderly stop without the lame duck wait."""
        return Child(
            name="nats",
            argv=(str(self.binary), "--config", str(self.directory / "nats.conf")),
            env={"HOME": str(self.directory), **self.env},
            prepare=self.prepare,
            ready=self.answers,
            cwd=self.directory,
        )

    async def prepare(self) -> None:
        """Write the configuration."""
        write_private(self.directory / "nats.conf", self.config())

    def config(self) -> str:
        """The text of the server's configuration file."""
        return _CONFIG.format(
            port=self.port,
            store=quoted(self.directory),
            max_memory_bytes=self.max_memory_bytes,
            max_file_bytes=self.max_file_bytes,
            access=self._access(),
        )

    def _access(self) -> str:
        if self.accounts is None:
            return f'authorization {{\n  user: "{USER}"\n  password: "{self.password}"\n}}'
        # nats-server joins the included path to the directory of the including file, even an absolute one.
        return f"include {quoted(os.path.relpath(self.accounts, self.directory.resolve()))}"

    async def answers(self) -> bool:
        """Whether it serves and JetStream has recovered its streams."""
        # It listens for clients last, when streams and consumers are there, and greets each with its INFO.
        return await answers(self.port, b"", b'"jetstream":true')
