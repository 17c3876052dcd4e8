"""Granian inside an event loop that is not its own, from listening to a graceful end.

The embedded server, because its `stop` closes the listener and idle connections at once while `serve` waits
for running requests and for files still being sent (measured with 2.8.7); what a worker of the normal server
does in a process of its own, this does beside everything else the process has open.
"""

import asyncio
import logging
import socket
from collections.abc import Iterable
from typing import Any, Final

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from gateway.media.plane import Plane

logger = logging.getLogger(__name__)

BACKLOG: Final = 1024
HEADER_SECONDS: Final = 10.0
LAST_SECONDS: Final = 1.0
"""What cut requests get to say goodbye."""
_UNIX_SOCKET: Final = False

# Levels only: Granian's own configuration would put handlers of its own on its loggers and close ours.
_LOGS: Final[dict[str, Any]] = {"incremental": True, "formatters": {}, "handlers": {}, "loggers": {}}


class PortBusyError(OSError):
    """The address cannot be bound. The text is one line for whoever started the process."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any. Raises PortBusyError.

    Granian's own sockets set SO_REUSEPORT: a second server on a busy port would steal half its requests.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortBusyError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    listener.settimeout(0)
    return listener


async def serve_plane(
    plane: Plane, listener: socket.socket, *, stop: asyncio.Event, drain_seconds: float
) -> None:
    """Serve until `stop`, then let running requests end within `drain_seconds` and cut the rest.

    Takes the socket over. Raises RuntimeError when the server ends by itself.
    """
    server = _Server(plane, listener)
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            raise RuntimeError("the HTTP server ended by itself") from serving.exception()
        server.end()
        await _drain(plane, serving, drain_seconds)
    finally:
        # Not cancelled: what a slow reader still holds open ends with the process, and Granian would set
        # the result of a future that is cancelled already.
        server.end()
        stopping.cancel()


async def _drain(plane: Plane, serving: "asyncio.Future[None]", drain_seconds: float) -> None:
    done, _ = await asyncio.wait({serving}, timeout=drain_seconds)
    if done:
        return
    logger.warning("cutting %d requests that outlasted the drain", len(plane.running))
    _cancel(plane.running)
    await asyncio.wait({serving}, timeout=LAST_SECONDS)


def _cancel(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    for task in list(tasks):
        task.cancel()


class _Server(Server):
    """Granian on a socket that is bound already, speaking HTTP/1 only."""

    def __init__(self, plane: Plane, listener: socket.socket) -> None:
        super().__init__(
            plane,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            http1_settings=HTTP1Settings(header_read_timeout=int(HEADER_SECONDS * 1000)),
            log_level=LogLevels.error,
            log_dictconfig=_LOGS,
        )
        self._plane, self._listener = plane, listener

    def end(self) -> None:
        """Close the listener and idle connections, let the rest run out. Safe to repeat."""
        self._plane.leaving.set()
        self.stop()  # type: ignore[no-untyped-call] # Granian's

    def _init_shared_socket(self) -> None:
        """Hand over our socket: what Granian would make here, it makes with SO_REUSEPORT."""
        holder: Any = SocketHolder
        self._shd = holder(self._listener.detach(), _UNIX_SOCKET, BACKLOG)
