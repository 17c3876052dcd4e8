"""How many segments a second the media plane delivers, beside nginx with the same files, in one run.

    python bench/segments.py [--kib 1400] [--count 64] [--seconds 3] [--rounds 3]

A media plane over a plain local disk, one over an encrypted one, and nginx with one worker, each a process
of its own, are asked in turn, so that whatever else the machine does hits all. Viewers are threads of this
process that drop what they read, each over one connection: `one video` is many viewers of the same few
segments, `any video` each anywhere. Printed are medians of the rounds: segments a second, and the CPU
milliseconds of the server for one. 1400 KiB are about four seconds of 720p.
"""

import argparse
import asyncio
import os
import pwd
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
import uvloop

from gateway.config import GatewayConfig
from gateway.media.delivery import Delivery
from gateway.media.embedded import listen, serve_plane
from gateway.media.heads import Heads
from gateway.media.plane import Plane
from gateway.media.router import Route
from gateway.ports import utc_now
from gateway.signing import media_expiry, media_url
from storage.encrypted_objects import EncryptedObjects
from storage.keys import derived_key
from storage.memory.cache import MemoryCache
from storage.objects import StoredObjects
from storage.ports import Objects
from storage.sealing import Vault

KIB, MIB = 1 << 10, 1 << 20
HOT = 4
"""So many segments everybody wants when they watch one video at the same time."""
VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
CONFIG = GatewayConfig(
    api_url="http://api", media_url="http://media", signing_key=b"k" * 32, drain_seconds=1.0
)
PLANES = ("plain", "encrypted")
KINDS = (*PLANES, "nginx")
NGINX = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
user {user};
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /media/ {{ alias {directory}/plain/videos/; }}
    }}
}}
"""


def opened(kind: str, directory: Path) -> Objects:
    """Return a store of one kind in a directory of its own."""
    store = StoredObjects.local(directory / kind)
    return store if kind == "plain" else EncryptedObjects.over(store, Vault((b"m" * 32,)), "all")


def name_of(number: int) -> str:
    """Return the name of a segment."""
    return f"cmaf/720p-h264/{number}.m4s"


async def put(objects: Objects, count: int, size_bytes: int) -> None:
    """Store segments."""
    for number in range(count):
        await objects.put(derived_key(VIDEO, name_of(number)), os.urandom(size_bytes))


async def serve(kind: str, directory: Path) -> None:
    """Serve until SIGTERM; the port is the first line of stdout."""
    objects = opened(kind, directory)
    delivery = Delivery(config=CONFIG, objects=objects, heads=Heads(objects, MemoryCache()), now=utc_now)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    listener = listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    plane = Plane((Route("/media/{video_id}/{name*}", {"GET": delivery.get}),))
    await serve_plane(plane, listener, stop=stop, drain_seconds=1.0)


@dataclass(frozen=True)
class Server:
    """What is asked: its port, and the process and its workers."""

    port: int
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """Return what it has used, in the kernel too."""
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return sum(one.user + one.system for one in times)

    def watch(self, paths: Iterator[str], size_bytes: int, until: float) -> int:
        """Fetch segments over one connection until a time; return how many."""
        count, buffer = 0, bytearray(MIB)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            while time.perf_counter() < until:
                connection.sendall(f"GET {next(paths)} HTTP/1.1\r\nHost: media\r\n\r\n".encode())
                left = size_bytes - read_head(connection, buffer)
                while left:
                    got = connection.recv_into(buffer, min(left, MIB))
                    assert got, "the answer ended early"
                    left -= got
                count += 1
        return count


def read_head(connection: socket.socket, buffer: bytearray) -> int:
    """Read the head of an answer and return how many bytes of the body came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        got = connection.recv_into(buffer, MIB)
        assert got, data
        data += buffer[:got]
    assert b" 200 " in data[:20], data[:200]
    return len(data) - data.index(b"\r\n\r\n") - 4


@contextmanager
def serving(kind: str, directory: Path) -> Iterator[Server]:
    """Run a media plane for the body."""
    argv = [sys.executable, __file__, "--serve", kind, "--directory", str(directory)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:  # noqa: S603 - this very file
        assert process.stdout
        yield Server(int(process.stdout.readline()), psutil.Process(process.pid))
        process.terminate()


@contextmanager
def running_nginx(directory: Path) -> Iterator[Server]:
    """Run nginx over the plain files for the body."""
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert binary, "nginx is not installed"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user, config = pwd.getpwuid(os.geteuid()).pw_name, directory / "nginx.conf"
    config.write_text(NGINX.format(directory=directory, port=port, user=user))
    with subprocess.Popen([binary, "-e", "stderr", "-c", str(config)]) as process:  # noqa: S603 - found above
        wait_for(port)
        yield Server(port, psutil.Process(process.pid))
        process.terminate()


def wait_for(port: int) -> None:
    """Return when somebody listens."""
    give_up_at = time.monotonic() + 10
    while time.monotonic() < give_up_at:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")


def paths_of(count: int, seed: int) -> Iterator[str]:
    """Yield signed paths of segments anywhere among the first ones."""
    expires_at = media_expiry(CONFIG, datetime.now(UTC))
    urls = [media_url(CONFIG, VIDEO, name_of(number), expires_at) for number in range(count)]
    chance = random.Random(seed)  # noqa: S311 - no secret
    while True:
        yield chance.choice(urls).removeprefix(CONFIG.media_url)


def load(server: Server, count: int, size_bytes: int, viewers: int, seconds: float) -> tuple[float, float]:
    """Return segments a second and the server's CPU milliseconds a segment."""
    cpu, begun = server.cpu_seconds, time.perf_counter()
    with ThreadPoolExecutor(viewers) as threads:
        total = sum(
            threads.map(
                lambda seed: server.watch(paths_of(count, seed), size_bytes, begun + seconds), range(viewers)
            )
        )
    return total / (time.perf_counter() - begun), (server.cpu_seconds - cpu) / total * 1000


def compare(name: str, servers: Mapping[str, Server], rounds: int, *asked: float) -> None:
    """Ask each server in turn and print the medians."""
    count, size_bytes, viewers, seconds = asked
    found = {kind: [] for kind in servers}
    for _ in range(rounds):
        for kind, server in servers.items():
            found[kind].append(load(server, int(count), int(size_bytes), int(viewers), seconds))
    rates, costs = (
        [statistics.median(one[column] for one in found[kind]) for kind in servers] for column in (0, 1)
    )
    print(
        f"{name:<24}" + "".join(f"{value:>11.0f}" for value in rates) + "".join(f"{c:>11.2f}" for c in costs)
    )


def main(count: int, size_bytes: int, seconds: float, rounds: int) -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="truthtok-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        for kind in PLANES:
            uvloop.run(put(opened(kind, directory), count, size_bytes))
        servers = {kind: stack.enter_context(serving(kind, directory)) for kind in PLANES}
        servers["nginx"] = stack.enter_context(running_nginx(directory))
        print(f"{'segments a second, CPU ms':<24}" + "".join(f"{kind:>11}" for kind in (*KINDS, *KINDS)))
        for what, among in (("one video", HOT), ("any video", count)):
            for viewers in (1, 8):
                compare(f"{what}, {viewers} viewers", servers, rounds, among, size_bytes, viewers, seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kib", type=int, default=1400)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=PLANES)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve(options.serve, options.directory))
    else:
        main(options.count, options.kib * KIB, options.seconds, options.rounds)
