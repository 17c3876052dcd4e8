"""What encryption at rest costs: delivering and storing, encrypted against plain, in one run.

    python bench/encryption.py [--mib 256] [--seconds 3] [--rounds 3] [--ciphers]

Two media planes in processes of their own over one local disk, asked in turn, so that whatever else the
machine does hits both; printed are the medians of the rounds. Clients are threads of this process that drop
what they read. With --ciphers first the ciphers by themselves, by size of chunk.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
import uvloop
from nacl import bindings

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

MIB = 1 << 20
VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
CONFIG = GatewayConfig(
    api_url="http://api", media_url="http://media", signing_key=b"k" * 32, drain_seconds=1.0
)
KINDS = ("plain", "encrypted")


def opened(kind: str, directory: Path) -> Objects:
    """Return a store of one kind in a directory of its own."""
    store = StoredObjects.local(directory / kind)
    return store if kind == "plain" else EncryptedObjects.over(store, Vault((b"m" * 32,)), "all")


async def noise(mib: int) -> AsyncIterator[bytes]:
    """Yield so many mebibytes."""
    piece = os.urandom(MIB)
    for _ in range(mib):
        yield piece


async def serve(kind: str, directory: Path) -> None:
    """Serve until SIGTERM; the port is the first line of stdout."""
    objects = opened(kind, directory)
    delivery = Delivery(config=CONFIG, objects=objects, heads=Heads(objects, MemoryCache()), now=utc_now)
    route = Route("/media/{video_id}/{name*}", {"GET": delivery.get})
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    listener = listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    await serve_plane(Plane((route,)), listener, stop=stop, drain_seconds=1.0)


@dataclass(frozen=True)
class Server:
    """A media plane in a child process."""

    port: int
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """Return what it has used, in the kernel too."""
        times = self.process.cpu_times()
        return times.user + times.system

    def fetch(self, path: str, spans: Iterator[tuple[int, int]], until: float) -> int:
        """Read spans over one connection until a time; return the bytes. Whole reads are finished."""
        count, buffer = 0, bytearray(MIB)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            while time.perf_counter() < until:
                start, end = next(spans)
                asked = f"GET {path} HTTP/1.1\r\nHost: media\r\nRange: bytes={start}-{end - 1}\r\n\r\n"
                connection.sendall(asked.encode())
                left = end - start - read_head(connection, buffer)
                while left:
                    got = connection.recv_into(buffer, min(left, MIB))
                    assert got, "the answer ended early"
                    left -= got
                count += end - start
        return count


def read_head(connection: socket.socket, buffer: bytearray) -> int:
    """Read the head of an answer and return how many bytes of the body came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        got = connection.recv_into(buffer, MIB)
        assert got, data
        data += buffer[:got]
    assert b" 206 " in data[:20], data[:200]
    return len(data) - data.index(b"\r\n\r\n") - 4


@contextmanager
def serving(kind: str, directory: Path) -> Iterator[Server]:
    """Run a media plane for the body."""
    argv = [sys.executable, __file__, "--serve", kind, "--directory", str(directory)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:  # noqa: S603 - this very file
        assert process.stdout
        yield Server(int(process.stdout.readline()), psutil.Process(process.pid))
        process.terminate()


def spans_of(size_bytes: int, length_bytes: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield spans of a length anywhere in the object."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    while True:
        start = chance.randint(0, size_bytes - length_bytes)
        yield start, start + length_bytes


def load(
    server: Server, length_bytes: int, size_bytes: int, clients: int, seconds: float
) -> tuple[float, float]:
    """Return MiB a second and the server's CPU seconds a GiB."""
    url = media_url(CONFIG, VIDEO, "clip.mp4", media_expiry(CONFIG, datetime.now(UTC)))
    path, cpu, begun = url.removeprefix(CONFIG.media_url), server.cpu_seconds, time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        counts = threads.map(
            lambda seed: server.fetch(path, spans_of(size_bytes, length_bytes, seed), begun + seconds),
            range(clients),
        )
        total_mib = sum(counts) / MIB
    return total_mib / (time.perf_counter() - begun), (server.cpu_seconds - cpu) / total_mib * 1024


async def store(objects: Objects, mib: int) -> tuple[float, float]:
    """Return MiB a second and CPU seconds a GiB of storing a stream, where there was no object."""
    await objects.remove([derived_key(VIDEO, "stored.mp4")])
    cpu, begun = time.process_time(), time.perf_counter()
    await objects.put_stream(derived_key(VIDEO, "stored.mp4"), noise(mib))
    return mib / (time.perf_counter() - begun), (time.process_time() - cpu) / mib * 1024


def compare(name: str, rounds: int, measure: Callable[[str], tuple[float, float]]) -> None:
    """Measure each kind in turn and print the medians."""
    found = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            found[kind].append(measure(kind))
    rates, costs = (
        {kind: statistics.median(one[column] for one in found[kind]) for kind in KINDS} for column in (0, 1)
    )
    print(
        f"{name:<32}{rates['plain']:>8.0f}{rates['encrypted']:>8.0f}"
        f"{rates['encrypted'] / rates['plain']:>8.2f}{costs['plain']:>10.2f}{costs['encrypted']:>10.2f}"
    )


def ciphers() -> None:
    """Print what each cipher decrypts by itself, in a thread as in use."""
    print(f"{'decryption, MiB/s':<32}" + "".join(f"{size:>7}K" for size in (16, 64, 128, 256)))
    for name, nonce in (("aes256gcm", 12), ("chacha20poly1305_ietf", 12), ("xchacha20poly1305_ietf", 24)):
        encrypt, decrypt = (
            getattr(bindings, f"crypto_aead_{name}_{what}") for what in ("encrypt", "decrypt")
        )
        rates = []
        for size in (16, 64, 128, 256):
            sealed = encrypt(os.urandom(size * 1024), b"", bytes(nonce), bytes(32))
            turns = 256 * 1024 // size

            def work(sealed: bytes = sealed, turns: int = turns) -> float:
                begun = time.perf_counter()
                for _ in range(turns):
                    decrypt(sealed, b"", bytes(nonce), bytes(32))  # noqa: B023 - called at once
                return 256 / (time.perf_counter() - begun)

            with ThreadPoolExecutor(1) as thread:
                rates.append(thread.submit(work).result())
        print(f"{name:<32}" + "".join(f"{rate:>8.0f}" for rate in rates))


def main(mib: int, seconds: float, rounds: int) -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="truthtok-bench-") as name:
        directory, size_bytes = Path(name), mib * MIB
        stores = {kind: opened(kind, directory) for kind in KINDS}
        for objects in stores.values():
            uvloop.run(put(objects, mib))
        print(f"{'':<32}{'MiB/s':>8}{'':>16}{'CPU seconds a GiB':>20}")
        print(f"{'':<32}{'plain':>8}{'encr.':>8}{'ratio':>8}{'plain':>10}{'encr.':>10}")
        with serving("plain", directory) as plain, serving("encrypted", directory) as encrypted:
            servers = {"plain": plain, "encrypted": encrypted}
            for what, length in (("whole object", size_bytes), ("1 MiB anywhere", MIB)):
                for clients in (1, 4):
                    compare(
                        f"{what}, {clients} clients",
                        rounds,
                        lambda kind, length=length, clients=clients: load(
                            servers[kind], length, size_bytes, clients, seconds
                        ),
                    )
            print(f"peak RSS, MiB: {', '.join(f'{kind} {peak_mib(servers[kind]):.0f}' for kind in KINDS)}")
        compare("put_stream", rounds, lambda kind: uvloop.run(store(stores[kind], mib)))


async def put(objects: Objects, mib: int) -> None:
    """Store the object that is delivered."""
    await objects.put_stream(derived_key(VIDEO, "clip.mp4"), noise(mib))


def peak_mib(server: Server) -> float:
    """Return the largest resident set so far."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ciphers", action="store_true")
    parser.add_argument("--serve", choices=KINDS)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve(options.serve, options.directory))
    else:
        if options.ciphers:
            ciphers()
        main(options.mib, options.seconds, options.rounds)
