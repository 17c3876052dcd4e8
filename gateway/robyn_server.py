"""The transport of the API: one Robyn process, used below its public surface.

One catch-all handler replaces Robyn's router, middleware and documents; signals, draining and the end of the
process are ours, because Robyn never ends on SIGTERM by itself and its server drops requests in flight.

    run_api(config, open_ports, host="127.0.0.1", port=8000)

The only module that imports robyn.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NoReturn

import uvloop

_arguments, sys.argv = sys.argv, sys.argv[:1]  # robyn parses the arguments of whoever imports it
from robyn.responses import StreamingResponse  # noqa: E402
from robyn.robyn import FunctionInfo, Headers, HttpMethod, Response, Server, SocketHeld  # noqa: E402

sys.argv = _arguments

from gateway.api import Api, open_api  # noqa: E402
from gateway.config import GatewayConfig  # noqa: E402
from gateway.exchange import Response as Answer  # noqa: E402
from gateway.listening import check_address, end_listening, until_answering  # noqa: E402
from gateway.ports import Ports  # noqa: E402
from gateway.robyn_exchange import EVENT_STREAM, STREAM_HEADERS, Parts, request_of  # noqa: E402
from gateway.stream_threads import WORKERS, Pin, cores_at_start, stream_capacity  # noqa: E402

logger = logging.getLogger(__name__)

OpenPorts = Callable[[], AbstractAsyncContextManager[Ports]]

METHODS: Final[tuple[Any, ...]] = (
    HttpMethod.GET,
    HttpMethod.HEAD,
    HttpMethod.POST,
    HttpMethod.PUT,
    HttpMethod.PATCH,
    HttpMethod.DELETE,
    HttpMethod.OPTIONS,
    HttpMethod.TRACE,
    HttpMethod.CONNECT,
)
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
POLL_SECONDS: Final = 0.02
ARRIVAL_SECONDS: Final = 0.05
"""Requests that the server has read already reach the loop within this time."""
FLUSH_SECONDS: Final = 0.1
"""The server writes its last answers within this time."""


def run_api(
    config: GatewayConfig,
    open_ports: OpenPorts,
    *,
    host: str,
    port: int,
    behind_proxy: bool = False,
    on_ready: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Serve the API until SIGTERM or SIGINT, then drain and exit with 0.

    Robyn owns the event loop, so the ports are opened and closed within it. Exits with 1 and one line when
    the address cannot be used, the ports cannot be opened, or the API breaks.
    """
    check_address(host, port, behind_proxy=behind_proxy)
    logging.getLogger("actix_server").setLevel(logging.CRITICAL)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())  # the server asks for one before it makes its own
    RobynProcess(config, open_ports, host, port, on_ready).run()
    sys.exit(1)  # the server ends the process itself; coming back means that it never started


class RobynProcess:
    """The life of one serving process."""

    def __init__(
        self, config: GatewayConfig, open_ports: OpenPorts, host: str, port: int, on_ready: Callable[[], None]
    ) -> None:
        self._config, self._open_ports = config, open_ports
        self._host, self._port, self._on_ready = host, port, on_ready
        self._pin = Pin()
        self._in_flight = 0
        self._draining = False
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        """Serve; returns only when the server refuses to start."""
        self._pin.fasten()
        try:
            socket = SocketHeld(self._host, self._port)
        except OSError as error:
            sys.exit(f"cannot listen on {self._host}:{self._port}: {error}")
        server = Server()
        handler = FunctionInfo(self._handle, True, 1, {"request": None}, {})  # noqa: FBT003 - robyn's order
        for method in METHODS:
            for path in ("/", "/*path"):
                server.add_route(method, path, handler, False)  # noqa: FBT003 - robyn's order
        server.add_startup_handler(FunctionInfo(self._start, True, 0, {}, {}))  # noqa: FBT003 - robyn's order
        server.start(socket, WORKERS)  # type: ignore[call-arg] # the stub asks for more than there is

    async def _start(self) -> None:
        """Open everything before the server listens."""
        self._loop = asyncio.get_running_loop()
        self._stopping, opened = asyncio.Event(), asyncio.Event()
        self._arm()
        self._life = self._begin(self._live(opened))
        await opened.wait()
        self._begin(self._greet())

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[None]) -> None:
        """Take a task's end; a failure ends the process, for a supervisor to start it anew."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Before it serves, the cause is a matter of settings and one line says it; later it is a mistake.
            serving = getattr(self, "_api", None) is not None
            logger.error("the API ends: %s", first_cause(error), exc_info=error if serving else None)
            end_process(1)

    async def _live(self, opened: asyncio.Event) -> None:
        """Hold everything open in one task, as task groups and timeouts need it."""
        streams = stream_capacity(self._config.max_streams, cores_at_start())
        async with self._open_ports() as ports, open_api(self._config, ports, streams) as api:
            self._api: Api = api
            opened.set()
            await self._stopping.wait()

    async def _greet(self) -> None:
        """Say that we serve. Only now are the workers up: give back the cores and take back the signals."""
        await until_answering(self._host, self._port)
        self._pin.release()
        self._arm()
        self._on_ready()

    def _arm(self) -> None:
        # The server installs handlers of its own when it starts to listen; its graceful stop drops requests.
        for number in SIGNALS:
            self._loop.remove_signal_handler(number)
            self._loop.add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        if not self._draining:
            self._draining = True
            self._begin(self._drain())

    async def _drain(self) -> None:
        """Take no new connections, finish what runs, close everything, and end."""
        end_listening(self._port)
        await asyncio.sleep(ARRIVAL_SECONDS)
        if hasattr(self, "_api"):
            self._api.drain()
            await self._until_idle()
        self._stopping.set()
        await asyncio.wait({self._life})
        self._loop.call_soon(end_process, 0)

    async def _until_idle(self) -> None:
        try:
            async with asyncio.timeout(self._config.drain_seconds):
                while self._in_flight or self._api.hub.listeners:
                    # What Robyn dropped without holding the interpreter's lock is let go of on the next call
                    # into it; without requests there would be none, and the streams of clients that are
                    # gone would be waited for.
                    Headers({})
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            still = (self._in_flight, self._api.hub.listeners)
            logger.warning("%d requests and %d event streams did not end in time", *still)
        await asyncio.sleep(FLUSH_SECONDS)

    async def _handle(self, request: Any) -> Any:
        self._in_flight += 1
        try:
            answer = await self._api.respond(request_of(request))
        finally:
            self._in_flight -= 1
        return self._robyn(answer)

    def _robyn(self, answer: Answer) -> Any:
        """Return an answer as Robyn takes it."""
        headers = answer.headers
        if self._draining:
            headers = {**headers, "Connection": "close"}
        if answer.stream is None:
            return Response(answer.status, Headers(headers), answer.body)
        parts: Any = Parts(answer.stream, self._loop)
        left = {name: value for name, value in headers.items() if name.lower() not in STREAM_HEADERS}
        kind = left.get("Content-Type", EVENT_STREAM)
        if kind == EVENT_STREAM:
            left.pop("Content-Type", None)
        return StreamingResponse(parts, answer.status, Headers(left), kind)


def first_cause(error: BaseException) -> BaseException:
    """Return what a group of errors began with: the group itself says nothing."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def end_process(code: int) -> None:
    """End at once: everything is closed, and the server's threads know no other way."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
