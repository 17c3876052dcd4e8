"""A whole stack in a process of its own, as `truthtok up` runs it, and a client that speaks only HTTP."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.client import Client

ROOT = Path(__file__).parents[2]
UP_SECONDS = 60.0
JOURNEY_SECONDS = 60.0
DEMO = ROOT / "deploy" / "demo.mp4"
PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
KEYS = ("TRUTHTOK_SIGNING_KEY", "TRUTHTOK_MASTER_KEYS", "TRUTHTOK_TOKEN_KEYS")


def new_keys() -> dict[str, str]:
    """Every key that a service needs, as its environment has them."""
    return {name: secrets.token_hex(32) for name in KEYS}


def bearer(token: str) -> dict[str, str]:
    """The header that says who asks."""
    return {"Authorization": f"Bearer {token}"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Stack:
    """One running `truthtok up`."""

    data: Path
    port: int = field(default_factory=free_port)
    media_port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    key: str = ""

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def media(self) -> str:
        return f"http://127.0.0.1:{self.media_port}"

    def start(self, *arguments: str) -> None:
        command = [
            sys.executable, "-m", "deploy.cli", "up", "--data", str(self.data),
            "--port", str(self.port), "--media-port", str(self.media_port), *arguments,
        ]  # fmt: skip
        environment = {**os.environ, **self.environment}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        line = self.process.stdout.readline().strip()
        assert line == f"ready {self.api} media {self.media}", f"the stack did not start: {line!r}"

    def sign_up(self) -> str:
        """Return the API key of somebody who registered at this stack; the first time registers them."""
        if not self.key:
            said = {"email": "rain@example.org", "password": PASSWORD, "name": "Rain"}
            person = httpx2.post(f"{self.api}/api/v1/auth/register", json=said, timeout=20)
            assert person.status_code == 201, person.text
            made = httpx2.post(
                f"{self.api}/api/v1/api-keys",
                json={"name": "tests", "scopes": ["videos:read", "videos:write"]},
                headers=bearer(person.json()["access_token"]),
                timeout=20,
            )
            assert made.status_code == 201, made.text
            self.key = made.json()["secret"]
        return self.key

    def client(self, http: httpx2.AsyncClient) -> Client:
        """A client of somebody who registered."""
        return Client(self.api, http, self.sign_up())

    def pids(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self.data / "run.json").read_text())["pids"]
        return found

    def kill(self, name: str) -> int:
        pid = self.pids()[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self) -> int:
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        with self.process:
            return self.process.wait(timeout=30)

    def log(self, name: str) -> str:
        return (self.data / "logs" / f"{name}.log").read_text()


def new_stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="truthtok-e2e-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        stack = Stack(Path(directory).resolve() / "data")
        try:
            yield stack
        finally:
            if stack.process:
                stack.stop()


@pytest.fixture(scope="session")
def stack(server_binaries: None) -> Iterator[Stack]:
    """One stack for all tests that leave it as it was."""
    for one in new_stack():
        one.start()
        yield one


@pytest.fixture
def own_stack(server_binaries: None) -> Iterator[Stack]:
    """A stack that the test starts, kills and restarts as it likes."""
    yield from new_stack()


@pytest.fixture(scope="session")
def nginx() -> str:
    """The real nginx; without it these tests skip, or fail in CI."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("nginx is not installed")
    return found


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=20.0) as client:
        yield client


@pytest.fixture
def client(stack: Stack, http: httpx2.AsyncClient) -> Client:
    return stack.client(http)


async def ended(client: Client, video_id: str, seconds: float = JOURNEY_SECONDS) -> dict[str, Any]:
    """Wait until a video is in a definite state. Outages on the way are waited out."""
    give_up_at = time.monotonic() + seconds
    video: dict[str, Any] = {}
    while time.monotonic() < give_up_at:
        try:
            video = await client.video(video_id)
            if video["status"] in ("ready", "rejected", "failed"):
                return video
        except (httpx2.TransportError, Exception) as error:  # noqa: BLE001 - whatever an outage brings
            video = {"error": repr(error)}
        await asyncio.sleep(0.1)
    raise AssertionError(f"{video_id} has no definite state after {seconds} s: {video}")


async def upload(client: Client, path: Path, title: str = "A clip") -> str:
    """Announce and upload a file; return the video's id."""
    video_id, url = await client.create(path, title, None)
    await client.upload(url, path, lambda _: None)
    return video_id
