"""Redis as a child: append-only data below the data directory, a password, loopback only."""

from dataclasses import dataclass
from pathlib import Path

from deploy.child import Child
from deploy.embedded.exchange import answers
from deploy.embedded.private_files import quoted, remembered_password, write_private

_CONFIG = """\
bind 127.0.0.1
port {port}
dir {directory}
requirepass "{password}"
save ""
appendonly yes
daemonize no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """One Redis on a port, its data in `directory`."""

    binary: Path
    directory: Path
    port: int
    password: str

    @classmethod
    def on(cls, data_dir: Path, *, binary: Path, port: int) -> "RedisServer":
        """The server of a data directory, with its remembered password."""
        directory = data_dir / "redis"
        password = remembered_password(directory / "password")
        return cls(binary=binary, directory=directory, port=port, password=password)

    @property
    def url(self) -> str:
        """Where clients connect, database 0."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def child(self) -> Child:
        """The process to supervise."""
        config = self.directory / "redis.conf"
        return Child(
            name="redis",
            argv=(str(self.binary), str(config)),
            env={"LC_ALL": "C"},
            prepare=self.prepare,
            ready=self.answers,
            cwd=self.directory,
        )

    async def prepare(self) -> None:
        """Write the configuration; in a file and not in the arguments, which every local user can read."""
        text = _CONFIG.format(port=self.port, directory=quoted(self.directory), password=self.password)
        write_private(self.directory / "redis.conf", text)

    async def answers(self) -> bool:
        """Whether it serves commands; False while it still loads its file."""
        question = f"AUTH {self.password}\r\nPING\r\nQUIT\r\n"
        return await answers(self.port, question.encode(), b"+PONG")
