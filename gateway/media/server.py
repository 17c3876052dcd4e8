"""The media plane as one call of the composition root: uploads, delivery, probes, and the relay beside."""

import asyncio
from collections.abc import Sequence

from gateway.config import GatewayConfig
from gateway.media.embedded import listen, serve_plane
from gateway.media.plane import Plane
from gateway.media.probes import Readiness, probe_routes
from gateway.media.router import Route
from gateway.media.routes import MediaPorts, delivery_routes, upload_routes
from gateway.ports import Identification, Limits
from gateway.relay import Relay
from gateway.signing import keys_of
from storage.bundle import Storage
from storage.segment_keys import SegmentKeys
from subjects.bus import Bus


async def serve_media(
    config: GatewayConfig,
    storage: Storage,
    bus: Bus,
    *,
    identification: Identification,
    limits: Limits,
    segment_keys: SegmentKeys,
    host: str,
    port: int,
    ready: Readiness,
    stop: asyncio.Event,
    more_routes: Sequence[Route] = (),
) -> None:
    """Serve until `stop`, then drain for up to `config.drain_seconds` and relay what is left to say.

    Raises PortBusyError, and ValueError for a signing key that is too short.
    """
    keys_of(config)
    listener = listen(host, port)
    relay, drained = Relay(storage.outbox, bus), asyncio.Event()
    ports = MediaPorts(
        videos=storage.videos,
        uploads=storage.uploads,
        objects=storage.objects,
        cache=storage.cache,
        identification=identification,
        limits=limits,
        segment_keys=segment_keys,
        kick=relay.kick,
    )
    plane = Plane((*media_routes(config, ports, ready), *more_routes), config.allowed_origins)
    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(drained))
        await serve_plane(plane, listener, stop=stop, drain_seconds=config.drain_seconds)
        drained.set()


def media_routes(config: GatewayConfig, ports: MediaPorts, ready: Readiness) -> tuple[Route, ...]:
    """Return every route of the media plane."""
    return (*probe_routes(ready), *upload_routes(config, ports), *delivery_routes(config, ports))
