"""Uploads clips through the public interface and shows their journey: `truthtok demo`, `truthtok upload`."""

import asyncio
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
from rich.console import Console

from deploy.causes import first_cause
from deploy.client import Client, ClientError
from deploy.found_stack import find_stack
from deploy.journey_view import JourneyView, show_result
from deploy.places import demo_clip
from deploy.settings import Settings, default_data_dir
from deploy.stack import Plan, running_stack
from deploy.stack_errors import StackError

JOURNEY_SECONDS = 600.0


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def own_settings(settings: Settings) -> Settings:
    """Return the settings of a stack that owes nothing to the service that this environment is set up for.

    Neither its public URLs nor its bucket: the demo would upload to production.
    """
    return Settings(log_level=settings.log_level, scratch=settings.scratch)


async def demo(files: Sequence[Path], settings: Settings) -> int:
    """Run the main job on a stack of its own that leaves nothing behind but the poster."""
    paths = [readable(path) for path in files] or [demo_clip()]
    console = Console(highlight=False)
    port, media_port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="truthtok-demo-", ignore_cleanup_errors=True) as directory:
        # Postgres may run as another user, who must be able to pass through.
        Path(directory).chmod(0o755)
        plan = Plan(Path(directory).resolve(), port, media_port)
        started = time.monotonic()
        console.print("starting nats-server, PostgreSQL, Redis, both gateways and every actor …")
        done = False
        async with running_stack(plan, own_settings(settings), handle_signals=True) as stack:
            console.print(f"up after {time.monotonic() - started:.1f} s")
            pictures = default_data_dir() / "demo"
            service = (stack.api_url, stack.api_key)
            results = [await journey(path, *service, console, pictures=pictures) for path in paths]
            done = all(results)
    return 0 if done else 1


async def upload(
    files: Sequence[Path],
    api_url: str,
    api_key: str,
    *,
    title: str | None,
    location: tuple[float, float] | None,
) -> int:
    """Upload files to a running service, one after the other."""
    console, service = Console(highlight=False), (api_url.rstrip("/"), api_key)
    results = [
        await journey(readable(path), *service, console, title=title, location=location) for path in files
    ]
    return 0 if all(results) else 1


def find_api_key(given: str | None, settings: Settings, data_dir: Path, api_url: str) -> str:
    """Return the key to sign in with: the given one, that of the settings, or that of a stack that runs here.

    The last only when the URL is that stack's own: nobody else is shown its key. Empty when there is none.
    """
    if key := given or settings.api_key:
        return key
    stack = find_stack(data_dir)
    return str(stack.keys.get("local_api_key", "")) if stack and stack.serves(api_url) else ""


def readable(path: Path) -> Path:
    """Return a path that can be uploaded. Raises StackError."""
    if not path.is_file():
        raise StackError(f"{path} is not a file")
    return path


async def journey(
    path: Path,
    api_url: str,
    api_key: str,
    console: Console,
    *,
    title: str | None = None,
    location: tuple[float, float] | None = None,
    pictures: Path | None = None,
) -> bool:
    """Upload one clip, follow it to its end and print what was learned. True when it became ready."""
    size_bytes = path.stat().st_size
    console.print(f"\n{path.name} ({size_bytes:,} bytes)")
    try:
        async with asyncio.timeout(JOURNEY_SECONDS), httpx2.AsyncClient(timeout=30.0) as http:
            client = Client(api_url, http, api_key)
            video_id, url = await client.create(path, title or path.stem[:200], location)
            view = JourneyView(console)
            with view.progress:
                view.begin()
                await follow(client, view, video_id, url, path)
            return await show_result(console, client, video_id, pictures)
    except httpx2.TransportError as error:
        raise ClientError(f"{api_url} does not answer: {error or type(error).__name__}") from error
    except TimeoutError as error:
        raise ClientError(f"{path.name} was not done within {JOURNEY_SECONDS:.0f} s") from error


async def follow(client: Client, view: JourneyView, video_id: str, url: str, path: Path) -> None:
    """Watch the events while the upload runs, until the journey is over."""
    size_bytes = max(path.stat().st_size, 1)

    async def watch() -> None:
        async for event in client.events(video_id):
            if view.saw(event):
                return

    with first_cause():
        async with asyncio.TaskGroup() as group:
            group.create_task(watch())
            await client.upload(url, path, lambda offset: view.uploaded(offset / size_bytes))
