"""The API put together: its routes over the ports it is given, with the hub that follows the streams.

    async with open_api(config, ports) as api:
        response = await api.respond(request)

No web framework here: `robyn_server.py` is the transport.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.config import GatewayConfig
from gateway.dispatch import Dispatcher
from gateway.event_stream import Seats
from gateway.events import Hub
from gateway.exchange import Request, Response
from gateway.identity.access_tokens import access_tokens_of
from gateway.identity.passwords import passwords_of
from gateway.openapi import openapi_document
from gateway.ports import Ports, Surroundings
from gateway.router import Router
from gateway.routes.table import ROUTES

LINES_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Api:
    """Answers requests, and sends event streams away when the process ends."""

    dispatcher: Dispatcher
    hub: Hub

    async def respond(self, request: Request) -> Response:
        """Return the answer to a request; never raises."""
        return await self.dispatcher.respond(request)

    def drain(self) -> None:
        """End all event streams, and take no new ones."""
        self.hub.drain()


def make_api(config: GatewayConfig, ports: Ports, streams: int) -> Api:
    """Return the API with room for so many event streams. Its hub does not run yet."""
    document = msgspec.json.encode(openapi_document(ROUTES, config.api_url))
    hub = Hub(ports.bus)
    house = Surroundings(
        config=config,
        ports=ports,
        hub=hub,
        seats=Seats(streams),
        document=document,
        passwords=passwords_of(config),
        tokens=access_tokens_of(config),
    )
    return Api(Dispatcher(house, Router(ROUTES)), hub)


@asynccontextmanager
async def open_api(config: GatewayConfig, ports: Ports, streams: int | None = None) -> AsyncIterator[Api]:
    """Run an API: its hub follows the streams until the context is left."""
    api = make_api(config, ports, config.max_streams if streams is None else streams)
    async with asyncio.TaskGroup() as group:
        following = group.create_task(api.hub.run())
        try:
            await _until_live(api.hub)
            yield api
        finally:
            api.drain()
            following.cancel()


async def _until_live(hub: Hub) -> None:
    """Wait a moment for the lines to the bus: browsers do not repeat an event stream that was refused.

    Without the bus the rest of the API is of use all the same.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(LINES_SECONDS):
            await hub.live.wait()
