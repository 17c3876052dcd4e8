"""Peak memory of every process of the stack while one large clip goes through it.

    python bench/large_upload.py [MEBIBYTES]

The clip is the demo clip with a `free` box (ISO/IEC 14496-12, 8.1.2) behind it: large and valid.
Resident set sizes are sampled every 20 ms; printed are each process's size before, its peak, and the growth.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import httpx2
import psutil

from deploy.client import Client
from deploy.demo import free_ports
from deploy.places import demo_clip
from deploy.settings import read_settings
from deploy.stack import Plan, running_stack

MIB = 1024**2
SAMPLE_SECONDS = 0.02
JOURNEY_SECONDS = 300.0


def large_clip(path: Path, size_bytes: int) -> Path:
    """Write a valid clip of exactly that size."""
    start = demo_clip().read_bytes()
    box_bytes = size_bytes - len(start)
    with path.open("wb") as file:
        file.write(start + (1).to_bytes(4, "big") + b"free" + box_bytes.to_bytes(8, "big"))
        file.truncate(size_bytes)
    return path


def tree(pids: dict[str, int]) -> dict[str, list[psutil.Process]]:
    """Return each named process with its descendants; a media child counts as its actor's."""
    found = {}
    for name, pid in pids.items():
        process = psutil.Process(pid)
        found[name] = [process, *process.children(recursive=True)]
    return found


def resident_bytes(pids: dict[str, int]) -> dict[str, int]:
    """Return the largest resident set of each named process or one of its children."""
    sizes = {}
    for name, processes in tree(pids).items():
        alive = []
        for process in processes:
            try:
                alive.append(process.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
        sizes[name] = max(alive, default=0)
    return sizes


async def sample(pids: dict[str, int], peak: dict[str, int]) -> None:
    """Keep the peaks until cancelled."""
    while True:
        for name, size in (await asyncio.to_thread(resident_bytes, pids)).items():
            peak[name] = max(peak.get(name, 0), size)
        await asyncio.sleep(SAMPLE_SECONDS)


async def main(mebibytes: int) -> None:
    """Run the measurement and print it."""
    port, media_port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="truthtok-bench-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        clip = large_clip(Path(directory) / "large.mp4", mebibytes * MIB)
        plan = Plan(Path(directory).resolve() / "data", port, media_port)
        async with running_stack(plan, read_settings()) as stack, httpx2.AsyncClient(timeout=60) as http:
            client = Client(stack.api_url, http, stack.api_key)
            small, url = await client.create(demo_clip(), "warm", None)  # everything is loaded before we look
            await client.upload(url, demo_clip(), lambda _: None)
            await ended(client, small)
            pids = dict(stack.supervisor.pids)
            before, peak = resident_bytes(pids), {}
            sampling = asyncio.create_task(sample(pids, peak))
            video_id, url = await client.create(clip, "large", None)
            began = time.monotonic()
            await client.upload(url, clip, lambda _: None)
            sent = time.monotonic()
            video = await ended(client, video_id)
            done = time.monotonic()
            sampling.cancel()
    print(f"{mebibytes} MiB sent in {sent - began:.1f} s, {video['status']} {done - sent:.1f} s later")
    print(f"{'process':<14}{'before MiB':>12}{'peak MiB':>12}{'growth MiB':>12}")
    for name in sorted(peak, key=lambda one: before[one] - peak[one]):
        grown = (peak[name] - before[name]) / MIB
        print(f"{name:<14}{before[name] / MIB:>12.1f}{peak[name] / MIB:>12.1f}{grown:>12.1f}")


async def ended(client: Client, video_id: str) -> dict:
    """Wait until a video is in a definite state."""
    async with asyncio.timeout(JOURNEY_SECONDS):
        while (video := await client.video(video_id))["status"] in ("waiting", "processing", "playable"):
            await asyncio.sleep(0.05)
        return video


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024))
