"""What it costs a request to know who asks and to count it, beside the same with both off, in one run.

    python bench/identity.py [REQUESTS]

Starts a stack without actors, and a second API process without rate limits. The same `GET` of one public
video goes in turns to the second process without a token (`off`), to the first with access tokens (`token`),
and to the first with API keys (`key`). Several accounts take turns: one alone would be limited.
"""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from deploy.composition import ACTOR_NAMES
from deploy.settings import read_settings
from deploy.stack import Plan, running_stack

ACCOUNTS = 20
ROUNDS = 6
IN_A_ROW = 50
"""Requests in a row for one account, well below what its bucket holds."""
INTENT = {"title": "Rain", "upload": {"size_bytes": 1000, "content_type": "video/mp4"}}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Way:
    """One way to ask, and what it took."""

    name: str
    url: str
    pid: int
    headers: list[dict[str, str]]
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def line(self, beside: "Way") -> str:
        """Return what it took, and how many times as much as another."""
        taken = sorted(self.seconds)
        p50, p99 = taken[len(taken) // 2] * 1000, taken[len(taken) * 99 // 100] * 1000
        cpu, other = self.cpu_seconds / len(taken), beside.cpu_seconds / len(beside.seconds)
        return (
            f"{self.name:<6} p50 {p50:.2f} ms  p99 {p99:.2f} ms  CPU {cpu * 1e6:.0f} us a request"
            f"   x{median(taken) / median(beside.seconds):.2f} time, x{cpu / other:.2f} CPU"
        )


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """Return what a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def second_api(pid: int, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run an API like that of `pid`, on another port and without rate limits."""
    lines = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    environment: Mapping[str, str] = dict(line.decode().split("=", 1) for line in lines if line)
    environment |= {"TRUTHTOK_PORT": str(port), "TRUTHTOK_RATE_LIMITS": "0"}
    command = [sys.executable, "-m", "deploy.cli", "gateway"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.terminate()


async def answered(http: httpx2.AsyncClient, method: str, url: str, **options: Any) -> Any:
    """Return the JSON of an answer that has to be a good one."""
    answer = await http.request(method, url, **options)
    assert answer.status_code < 300, (url, answer.status_code, answer.text)
    return answer.json()


async def register(http: httpx2.AsyncClient, api: str, number: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers of a new account: with an access token, and with an API key."""
    said = {"email": f"bench{number}@example.org", "password": "as long as it is", "name": "Bench"}
    token = (await answered(http, "POST", f"{api}/api/v1/auth/register", json=said))["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    wanted = {"name": "bench", "scopes": ["videos:read", "videos:write"]}
    made = await answered(http, "POST", f"{api}/api/v1/api-keys", json=wanted, headers=bearer)
    return bearer, {"Authorization": f"Bearer {made['secret']}"}


async def ask(http: httpx2.AsyncClient, way: Way, path: str, requests: int) -> None:
    """Send so many requests one way, one after the other."""
    before = cpu_seconds(way.pid)
    for first, headers in zip(range(0, requests, IN_A_ROW), cycle(way.headers), strict=False):
        for _ in range(first, min(first + IN_A_ROW, requests)):
            begun = time.perf_counter()
            answer = await http.get(way.url + path, headers=headers)
            way.seconds.append(time.perf_counter() - begun)
            assert answer.status_code == 200, answer.text
    way.cpu_seconds += cpu_seconds(way.pid) - before


async def measure(api: str, pid: int, requests: int) -> None:
    """Print what each way costs."""
    port = free_port()
    with second_api(pid, port) as other:
        async with httpx2.AsyncClient(timeout=20.0) as http:
            people = [await register(http, api, number) for number in range(ACCOUNTS)]
            tokens, keys = [one[0] for one in people], [one[1] for one in people]
            made = await answered(http, "POST", f"{api}/api/v1/videos", json=INTENT, headers=tokens[0])
            path = f"/api/v1/videos/{made['video']['id']}"
            ways = [
                Way("off", f"http://127.0.0.1:{port}", other.pid, [{}]),
                Way("token", api, pid, tokens),
                Way("key", api, pid, keys),
            ]
            await until_ready(http, ways[0].url)
            for one in ways:  # caches and connections
                await ask(http, one, path, 100)
                one.seconds, one.cpu_seconds = [], 0.0
            for _ in range(ROUNDS):
                for one in ways:
                    await ask(http, one, path, requests // ROUNDS)
            for one in ways:
                print(one.line(ways[0]))


async def until_ready(http: httpx2.AsyncClient, url: str) -> None:
    """Return once an API serves."""
    for _ in range(200):
        try:
            if (await http.get(f"{url}/ready")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.05)
    raise TimeoutError(url)


async def main() -> None:
    """Start everything, measure, and end it."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        plan = Plan(Path(directory).resolve() / "data", free_port(), free_port(), {}, frozenset(ACTOR_NAMES))
        async with running_stack(plan, read_settings()) as stack:
            await measure(stack.api_url, stack.supervisor.pids["api"], requests)


if __name__ == "__main__":
    asyncio.run(main())
