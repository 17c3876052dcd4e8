"""What each process of the service does: the API, the media plane, an actor, and the one-off commands."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

import uvloop

from actors.core.host import Host
from deploy.ports import Ports, open_ports, reachable
from deploy.settings import Settings

QUIET: Final = ("nats", "httpx", "asyncio", "_granian", "granian.access")


def set_up_logs(settings: Settings) -> None:
    """Write everything as lines on stderr; the journal writes JSON of its own."""
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(levelname).1s %(name)s %(message)s"
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def run_until_stopped(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run `work` on uvloop; SIGINT and SIGTERM set its event."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await work(stop)

    uvloop.run(main())


async def run_actors(settings: Settings, names: list[str], stop: asyncio.Event) -> None:
    """Run actors until `stop`, then drain. With an ops port, serves health and metrics beside them."""
    from actors.engines.sandbox import Sandbox  # noqa: PLC0415 - only actors load the media libraries
    from deploy.composition import NEEDS_SANDBOX, make_intake  # noqa: PLC0415

    sandbox = Sandbox()
    async with AsyncExitStack() as stack:
        ports = await stack.enter_async_context(open_ports(settings, names[0]))
        if not NEEDS_SANDBOX.isdisjoint(names):
            await stack.enter_async_context(sandbox)
        host = Host([make_intake(name, ports, sandbox) for name in names], settings.drain_seconds)
        await with_ops(settings, ports, host.run(stop))


async def with_ops(settings: Settings, ports: Ports, work: Coroutine[Any, Any, None]) -> None:
    """Do the work with /health, /ready and /metrics beside it, if there is a port for them."""
    if not settings.ops_port:
        await work
        return
    from gateway.ops import serve_ops  # noqa: PLC0415 - granian is loaded only where it serves

    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve_ops(host=settings.host, port=settings.ops_port, ready=lambda: reachable(ports), stop=over)
        )
        await work
        over.set()
