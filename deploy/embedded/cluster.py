"""A PostgreSQL data directory on disk: where it is, whose it is, how it is made once and for all."""

import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from deploy.child import Child, end, spawn, tail
from deploy.embedded.private_files import remembered_password, write_private
from deploy.embedded.reach import ROOMS, can_enter, find_postgres_user, make_room, postgres_tree
from deploy.process_table import find_program, is_alive
from deploy.stack_errors import DataDirUnusableError, InitError

SUPERUSER = "truthtok"
_ENV = MappingProxyType({"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """`room` belongs to the user that runs Postgres and holds `cluster/`, complete or absent."""

    tree: Path
    room: Path
    log: Path
    password: str = field(repr=False)
    user: str | None = None
    superuser: str = SUPERUSER
    env: Mapping[str, str] = field(default_factory=lambda: _ENV)

    @classmethod
    def on(cls, data_dir: Path) -> "Cluster":
        """The cluster of a data directory; raises BinaryMissingError, DataDirUnusableError."""
        user = find_postgres_user()
        return cls(
            tree=postgres_tree(user),
            room=postgres_room(data_dir, user),
            log=data_dir / "logs" / "initdb.log",
            password=remembered_password(data_dir / "postgres.password"),
            user=user,
        )

    @property
    def directory(self) -> Path:
        """What Postgres calls the data directory."""
        return self.room / "cluster"

    def binary(self, name: str) -> Path:
        """The path of one PostgreSQL program."""
        return self.tree / "bin" / name

    async def initialise(self) -> None:
        """Run initdb beside the final place, then rename: an interrupted one leaves nothing that counts.

        Does nothing when the cluster is there; raises InitError.
        """
        if self._exists():
            return
        draft = self._fresh_draft()
        write_private(draft / "password", self.password)
        self._give(draft, draft / "password")
        child = self._initdb(draft)
        process = await spawn(child, self.log)
        try:
            returncode = await process.wait()
        finally:
            await end(child, process)
        if returncode:
            raise InitError(f"initdb ended with {returncode}\n{tail(self.log)}")
        self._keep(draft)

    def _initdb(self, draft: Path) -> Child:
        options = (
            f"--username={self.superuser}",
            f"--pwfile={draft / 'password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        )
        argv = (str(self.binary("initdb")), "-D", str(draft / "cluster"), *options)
        return Child(name="initdb", argv=argv, env=self.env, cwd=self.room, user=self.user, grace_seconds=1.0)

    def _exists(self) -> bool:
        return (self.directory / "PG_VERSION").exists()

    def _fresh_draft(self) -> Path:
        for abandoned in self.room.glob("init-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix="init-", dir=self.room))

    def _give(self, *paths: Path) -> None:
        for path in paths:
            if self.user is not None:
                shutil.chown(path, self.user)

    def _keep(self, draft: Path) -> None:
        (draft / "cluster").rename(self.directory)
        shutil.rmtree(draft)


def postgres_room(data_dir: Path, user: str | None, rooms: Sequence[Path] = ROOMS) -> Path:
    """The directory for `cluster/`: below the data directory if `user` can get there, else in one of `rooms`.

    The latter is recorded in `postgres.location`. Its name is random, not a hash of the data directory: one
    that was deleted and made again must not find the old cluster, which has another password.

    Raises DataDirUnusableError when the recorded directory is gone.
    """
    record = data_dir / "postgres.location"
    if record.exists():
        return _recorded_room(record)
    room = data_dir / "postgres"
    if user is not None and not can_enter(data_dir, user):
        room = make_room(rooms) / f"postgres-{secrets.token_hex(8)}"
        write_private(record, str(room))
    room.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        shutil.chown(room, user)
    return room


def _recorded_room(record: Path) -> Path:
    room = Path(record.read_text())
    if not room.is_dir():
        raise DataDirUnusableError(
            f"{record} names {room}, which is gone: delete the file to start with no data"
        )
    return room


def forget_recycled_pid(directory: Path) -> None:
    """Remove a postmaster.pid whose pid now belongs to some other program.

    Postgres itself ignores the file when the pid is dead, and refuses to start when the pid is alive.
    """
    pid_file = directory / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        if is_alive(pid) and find_program(pid) != "postgres":
            pid_file.unlink()
