"""How an API process holds idle event streams, and what JSON costs beside them.

    python bench/api_streams.py [STREAMS] [SECONDS]

Starts one process over the twins, opens the streams from here, and measures `GET /health` and `GET` of a
video on one connection before, beside and after them. Everything is over within a minute.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "tests" / "integration" / "gateway_api" / "serve_twins.py"
BATCH = 100
REQUESTS = 500
GONE_SECONDS = 17


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def footprint(pid: int) -> str:
    """Return threads and resident memory of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return f"{status['Threads'].strip()} threads, {int(status['VmRSS'].split()[0]) / 1024:.0f} MB"


async def request(port: int, text: str, headers: str = "", body: str = "") -> bytes:
    """Send one request on a connection of its own and return the body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{text} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    writer.write((head + body).encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


async def latency(port: int, path: str) -> str:
    """Return the percentiles of sequential requests on one connection, in milliseconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: b\r\n\r\n".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        taken.append((time.perf_counter() - begun) * 1000)
    writer.close()
    taken.sort()
    return f"p50 {taken[REQUESTS // 2]:.2f}  p99 {taken[REQUESTS * 99 // 100]:.2f}  max {taken[-1]:.2f} ms"


async def rate(port: int, path: str, seconds: float = 3.0, connections: int = 32) -> float:
    """Return requests per second over some connections at once."""
    until, answered = time.perf_counter() + seconds, 0

    async def ask() -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: b\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
            answered += 1
        writer.close()

    await asyncio.gather(*(ask() for _ in range(connections)))
    return answered / seconds


async def costs(port: int, path: str) -> str:
    """Return what a cheap request and one for a video cost."""
    return (
        f"health {await latency(port, '/health')}, {await rate(port, '/health'):.0f}/s; "
        f"video {await latency(port, path)}, {await rate(port, path):.0f}/s"
    )


Held = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]


async def open_stream(port: int, path: str, held: Held) -> bool:
    """Open a stream and wait for its first event; False when it was refused or stayed silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path}/events HTTP/1.1\r\nHost: b\r\n\r\n".encode())
    held.append((reader, writer))
    try:
        await asyncio.wait_for(reader.readuntil(b"event: video"), 5)
    except (TimeoutError, asyncio.IncompleteReadError):
        return False
    return True


async def fan_out(port: int, path: str, held: Held) -> str:
    """Delete the video and return how soon how many streams were told."""
    begun = time.perf_counter()

    async def told(reader: asyncio.StreamReader) -> float:
        try:
            await asyncio.wait_for(reader.readuntil(b"event: video.deleted"), 5)
        except (TimeoutError, asyncio.IncompleteReadError):
            return 0.0
        return time.perf_counter() - begun

    waiting = asyncio.gather(*(told(reader) for reader, _ in held))
    await request(port, f"DELETE {path}")
    times = sorted(filter(None, await waiting))
    return f"{len(times)} told, median {times[len(times) // 2] * 1000:.0f} ms, last {times[-1] * 1000:.0f} ms"


async def measure(port: int, pid: int, streams: int, seconds: float) -> None:
    """Print what was measured."""
    body = json.dumps({"title": "Rain", "upload": {"size_bytes": 1, "content_type": "video/mp4"}})
    head = "Content-Type: application/json\r\n"
    made = json.loads(await request(port, "POST /api/v1/videos", head, body))
    path = f"/api/v1/videos/{made['video']['id']}"
    print(f"before   {footprint(pid)}; {await costs(port, path)}")
    held: Held = []
    begun, told = time.perf_counter(), 0
    for first in range(0, streams, BATCH):
        count = min(BATCH, streams - first)
        told += sum(await asyncio.gather(*(open_stream(port, path, held) for _ in range(count))))
    print(f"streams  {told} of {streams} told in {time.perf_counter() - begun:.1f} s; {footprint(pid)}")
    await asyncio.sleep(seconds)
    print(f"beside   {footprint(pid)}; {await costs(port, path)}")
    for _, writer in held[: streams // 2]:
        writer.close()
    await asyncio.sleep(GONE_SECONDS)
    print(f"half     {await open_streams(port)} open after half left; {footprint(pid)}")
    print(f"event    {await fan_out(port, path, held[streams // 2 :])}")
    print(f"after    {await open_streams(port)} open; {await latency(port, '/health')}")
    for _, writer in held:
        writer.close()


async def open_streams(port: int) -> str:
    """Return how many streams the process counts."""
    text = (await request(port, "GET /metrics")).decode()
    return text.partition("\ntruthtok_api_event_streams ")[2].partition("\n")[0]


def main() -> None:
    """Start the process, measure, and end it."""
    streams, seconds = (int(one) for one in (*sys.argv[1:], *("1000", "3")[len(sys.argv) - 1 :]))
    port = free_port()
    command = [sys.executable, str(SCRIPT), str(port)]
    with subprocess.Popen(  # noqa: S603 - our own script
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            asyncio.run(measure(port, process.pid, streams, seconds))
        finally:
            process.terminate()
            begun = time.perf_counter()
            print(f"exit     {process.wait(30)} after {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
