"""The stack that runs on a data directory, as another command on this machine finds it."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.embedded.cluster import SUPERUSER
from deploy.embedded.postgres import DATABASE
from deploy.keyring import read_keys
from gateway.listening import is_loopback


@dataclass(frozen=True, slots=True)
class FoundStack:
    """Its ports by name, its keys as the file has them, and the password of its Postgres."""

    ports: dict[str, int]
    keys: dict[str, Any] = field(repr=False)
    password: str = field(repr=False)

    @property
    def nats_url(self) -> str:
        """Where its NATS server is."""
        return f"nats://127.0.0.1:{self.ports['nats']}"

    @property
    def database_url(self) -> str:
        """Where its database is, as the owner of everything there."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.ports['postgres']}/{DATABASE}"

    def serves(self, api_url: str) -> bool:
        """Whether this is the URL of its API: on this machine, at its port."""
        with suppress(ValueError):  # a port that is none
            url = urlsplit(api_url)
            return is_loopback(url.hostname or "") and (url.port or 80) == self.ports["api"]
        return False


def find_stack(data_dir: Path) -> FoundStack | None:
    """Return the stack that runs on a directory, or None. Raises DataDirUnusableError for broken keys."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        ports = json.loads((data_dir / "run.json").read_text())["ports"]
        password = (data_dir / "postgres.password").read_text()
        keys = read_keys(data_dir)
        if {"nats", "postgres", "api"} <= ports.keys() and keys:
            return FoundStack(ports, keys, password)
    return None
