"""What another encoder is worth: `python -m bench.scaling [clip]`.

The same clip goes through a whole stack with one encoder and with two, in turns, each encoder with one
thread: seconds from its last byte until it is playable, and until nothing is left to do. Without a clip one
of 60 s is made, 720p30 in MPEG-4, which no browser plays: so even the first pass is encoded.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from msgspec.structs import replace

from deploy.client import Client
from deploy.demo import free_ports
from deploy.places import demo_clip
from deploy.settings import read_settings
from deploy.stack import Plan, running_stack

REPLICAS = (1, 2)
ROUNDS = 2
JOURNEY_SECONDS = 900.0


def make_clip(path: Path) -> Path:
    """A minute that is neither flat nor noise alone."""
    source = "testsrc2=size=1280x720:rate=30:duration=60,noise=alls=4:allf=t"
    command = [
        *("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"),
        *("-c:v", "mpeg4", "-q:v", "3", "-g", "60", str(path)),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - our own command
    return path


async def reached(client: Client, path: Path) -> dict[str, float]:
    """Upload a clip; return after how many seconds from its last byte each status was seen."""
    video_id, url = await client.create(path, "scaling", None)
    await client.upload(url, path, lambda _: None)
    began, seen = time.monotonic(), dict[str, float]()
    async with asyncio.timeout(JOURNEY_SECONDS):
        while not {"ready", "failed", "rejected"} & {*seen}:
            status = (await client.video(video_id))["status"]
            seen.setdefault(status, time.monotonic() - began)
            await asyncio.sleep(0.05)
    return seen


async def timed(clip: Path, encoders: int, directory: Path) -> dict[str, float]:
    """Run a stack of its own for one clip."""
    plan = Plan(directory / f"data-{encoders}", *free_ports(2), replicas={"encoder": encoders})
    settings = replace(read_settings(), encode_threads=1)
    async with running_stack(plan, settings) as stack, httpx2.AsyncClient(timeout=60) as http:
        client = Client(stack.api_url, http, stack.api_key)
        await reached(client, demo_clip())  # everything is loaded before we look
        return await reached(client, clip)


async def main() -> None:
    """Measure in turns, and print."""
    with tempfile.TemporaryDirectory(prefix="truthtok-bench-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder).resolve()
        directory.chmod(0o755)
        clip = Path(sys.argv[1]) if len(sys.argv) > 1 else make_clip(directory / "clip.mp4")
        for turn in range(ROUNDS):
            took = {}
            for encoders in REPLICAS:
                took[encoders] = await timed(clip, encoders, directory / str(turn))
                told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took[encoders].items())
                print(f"round {turn + 1}, {encoders} encoders: {told}", flush=True)
            ratio = took[1]["ready"] / took[2]["ready"]
            print(f"round {turn + 1}: two are {ratio:.2f} times as fast as one")


if __name__ == "__main__":
    asyncio.run(main())
