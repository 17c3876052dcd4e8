"""A small endpoint that any asyncio process can run beside its work: /health, /ready, /metrics."""

import asyncio
from typing import Final

from gateway.media.embedded import listen, serve_plane
from gateway.media.plane import Plane
from gateway.media.probes import Readiness, probe_routes

DRAIN_SECONDS: Final = 1.0


async def serve_ops(*, host: str, port: int, ready: Readiness, stop: asyncio.Event) -> None:
    """Answer probes until `stop`. Raises PortBusyError."""
    plane = Plane(probe_routes(ready))
    await serve_plane(plane, listen(host, port), stop=stop, drain_seconds=DRAIN_SECONDS)
