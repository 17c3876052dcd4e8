"""A real API process over the twins, and a client that shows what went over the wire."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "serve_twins.py"
ROOT = Path(__file__).parents[3]


@dataclass
class Wire:
    """One connection, read byte by byte."""

    connection: socket.socket
    rest: bytes = b""

    def send(self, method: str, path: str, body: bytes = b"", *headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        lines += [f"Content-Length: {len(body)}"] if body else []
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def until(self, mark: bytes) -> bytes:
        while mark not in self.rest:
            more = self.connection.recv(65536)
            if not more:
                raise EOFError(self.rest)
            self.rest += more
        found, _, self.rest = self.rest.partition(mark)
        return found + mark

    def head(self) -> tuple[int, dict[str, str]]:
        lines = self.until(b"\r\n\r\n").decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        return int(lines[0].split()[1]), headers

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status, headers = self.head()
        length = int(headers.get("content-length", 0))
        while len(self.rest) < length:
            self.rest += self.connection.recv(65536)
        body, self.rest = self.rest[:length], self.rest[length:]
        return status, headers, body

    def to_the_end(self) -> bytes:
        while more := self.connection.recv(65536):
            self.rest += more
        return self.rest


@dataclass
class Served:
    """A running process."""

    process: subprocess.Popen[bytes]
    port: int
    stack: ExitStack
    token: str = ""

    def sign_in(self) -> str:
        """Register once; return the header that says who asks."""
        if not self.token:
            body = {"email": "ada@example.org", "password": "correct horse", "name": "Ada"}
            status, _, told = self.ask("POST", "/api/v1/auth/register", body)
            assert status == 201
            self.token = json.loads(told)["access_token"]
        return f"Authorization: Bearer {self.token}"

    def connect(self) -> Wire:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return Wire(self.stack.enter_context(connection))

    def ask(
        self, method: str, path: str, body: Any = None, *headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        wire = self.connect()
        sent = b"" if body is None else json.dumps(body).encode()
        wire.send(method, path, sent, "Content-Type: application/json", *headers)
        return wire.answer()

    def announce(self, title: str) -> str:
        upload = {"size_bytes": 1, "content_type": "video/mp4"}
        intent = {"title": title, "upload": upload}
        status, _, body = self.ask("POST", "/api/v1/videos", intent, self.sign_in())
        assert status == 201
        return f"/api/v1/videos/{json.loads(body)['video']['id']}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the script with arguments; whatever still runs at the end is killed."""
    with ExitStack() as stack:

        def begin(*arguments: object) -> subprocess.Popen[bytes]:
            command = [sys.executable, str(SCRIPT), *map(str, arguments)]
            process = stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            )
            stack.callback(process.kill)
            return process

        yield begin


@pytest.fixture
def served(start: Callable[..., subprocess.Popen[bytes]]) -> Iterator[Served]:
    """A process that serves."""
    port = free_port()
    process = start(port)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    with ExitStack() as stack:
        yield Served(process, port, stack)


@pytest.fixture
def a_free_port() -> int:
    return free_port()
