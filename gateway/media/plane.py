"""The RSGI application: request id, route, handler, headers, log line. Never a stack trace for a client."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from gateway.log_line import now
from gateway.media.exchange import Body, Reply, Request
from gateway.media.journal import RUNNING, Line, record
from gateway.media.policy import EXPOSED, SECURITY, media_preflight
from gateway.media.router import Route, find_route
from gateway.media.sending import send, size_of
from gateway.origins import cors_headers
from gateway.problems import ProblemError, problem_body, problem_headers, problem_of
from gateway.request_id import request_id_of

logger = logging.getLogger(__name__)

DISCARD_BYTES_MAX: Final = 16 * 1024**2
"""So much of a refused body is read, so that its client gets to read the refusal."""
QUERY_FIELDS_MAX: Final = 20
OVERRIDABLE: Final = frozenset({"PATCH", "DELETE"})
NO_ROUTE: Final = Route("unknown", {})

_BODILESS: Final = frozenset({204, 304})


@dataclass(slots=True)
class Plane:
    """Routes behind one Granian worker. `leaving` is set when it drains."""

    routes: Sequence[Route]
    origins: Sequence[str] = ()
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    running: set["asyncio.Task[Any]"] = field(default_factory=set)

    async def __call__(self, scope: Any, wire: Any) -> None:
        """Answer one request."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - RSGI calls within a task
        self.running.add(task)
        RUNNING.inc()
        try:
            await self._serve(scope, wire)
        except asyncio.CancelledError:
            # Nobody but the drain cancels here, and Granian would print it as a crash.
            if not self.leaving.is_set():
                raise
        finally:
            RUNNING.dec()
            self.running.discard(task)

    async def _serve(self, scope: Any, wire: Any) -> None:
        begun = time.perf_counter()
        route, values = find_route(self.routes, scope.path) or (NO_ROUTE, {})
        request = read_request(scope, wire, values, self.leaving)
        reply, code = await _answer(route, request, scope.query_string)
        headers = self._headers(route, request, reply)
        if not await _is_read(request, reply):
            headers["Connection"] = "close"
        status = await _send(wire, request, reply, headers)
        line = Line(
            at=now(),
            request_id=request.id,
            method=request.method,
            route=route.pattern,
            status=status,
            seconds=round(time.perf_counter() - begun, 6),
            received_bytes=request.body.received_bytes,
            user_id=request.notes.pop("user_id", ""),
            code=code,
            notes=request.notes,
        )
        record(line, quiet=route.quiet)

    def _headers(self, route: Route, request: Request, reply: Reply) -> dict[str, str]:
        origin = request.headers.get("origin", "")
        headers = {**SECURITY, **cors_headers(origin, self.origins, EXPOSED), **route.headers}
        headers |= {"X-Request-Id": request.id, **request.told, **reply.headers}
        size_bytes = size_of(reply)
        if size_bytes is not None and reply.status not in _BODILESS:
            headers.setdefault("Content-Length", str(size_bytes))
        return headers


async def _send(wire: Any, request: Request, reply: Reply, headers: Mapping[str, str]) -> int:
    """Send a reply and return the status for the log. A stream that fails ends short, so its client knows."""
    try:
        return await send(wire, reply, headers, body=request.method != "HEAD")
    except Exception:
        logger.exception("the answer to request %s broke off", request.id)
        return HTTPStatus.INTERNAL_SERVER_ERROR


def read_request(scope: Any, wire: Any, values: Mapping[str, str], leaving: asyncio.Event) -> Request:
    """Return the request that a scope describes; its query is read later, where errors are answered."""
    headers = joined_headers(scope.headers.items())
    override = headers.get("x-http-method-override", "").upper()
    return Request(
        id=request_id_of(headers),
        method=override if scope.method == "POST" and override in OVERRIDABLE else scope.method,
        path=scope.path,
        peer=scope.client.rpartition(":")[0].strip("[]"),
        headers=headers,
        body=Body(wire, declared_bytes(headers)),
        values=values,
        leaving=leaving,
    )


def joined_headers(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers by lower-case name, repeated ones joined with a comma (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for name, value in items:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def declared_bytes(headers: Mapping[str, str]) -> int | None:
    """Return Content-Length, which Granian has checked; None for a chunked body, 0 for none at all."""
    return (
        None if "transfer-encoding" in headers else int(headers.get("content-length", "0").partition(",")[0])
    )


async def _answer(route: Route, request: Request, query: str) -> tuple[Reply, str]:
    """Return the reply and, when it is a problem, its code."""
    try:
        return await _handle(route, replace(request, query=read_query(query))), ""
    except Exception as error:
        problem = problem_of(error)
        if problem.code == "internal":
            logger.exception("request %s failed", request.id)
        return Reply(
            problem.status, problem_headers(problem), problem_body(problem, request.id)
        ), problem.code


async def _handle(route: Route, request: Request) -> Reply:
    if route is NO_ROUTE:
        raise ProblemError("not_found", "There is nothing at this path.")
    if request.method == "OPTIONS":
        return Reply(204, {**media_preflight(route.methods), **route.options})
    return await route.handler_of(request.method)(request)


def read_query(text: str) -> dict[str, str]:
    """Return a query by name, the last of repeated ones. Raises ProblemError."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX))
    except ValueError as error:
        raise ProblemError("malformed_request", "The query has too many fields.") from error


async def _is_read(request: Request, reply: Reply) -> bool:
    """Whether the connection can go on: the body was read, or what is left of a refused one is small."""
    body = request.body
    if body.is_whole or body.declared_bytes == 0:
        return True
    is_waiting = "100-continue" in request.headers.get("expect", "")
    if reply.status < HTTPStatus.BAD_REQUEST or body.stalled or body.ended or is_waiting:
        return False
    return await body.discard(DISCARD_BYTES_MAX)
