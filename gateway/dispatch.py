"""The one way through which every request goes: from its bytes to a call, from a reply to an answer.

Framework-free: `respond` takes and returns plain values and never raises.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from gateway import access_log
from gateway.body import check_length, decode_body, decode_query
from gateway.caching import tagged
from gateway.caller import Caller, stranger_of
from gateway.exchange import Request, Response
from gateway.idempotent import fingerprint, key_of, once
from gateway.log_line import now
from gateway.origins import (
    PROBES,
    SECURITY,
    cors_headers,
    preflight_headers,
    refuse_foreign_hosts,
    refuse_foreign_writes,
)
from gateway.permission import require
from gateway.ports import Surroundings
from gateway.problems import ProblemError, problem_body, problem_headers, problem_of
from gateway.request_id import HEADER, request_id_of
from gateway.route import Call, Reply, Route
from gateway.router import Found, Router
from gateway.sealed_answers import SealedAnswers
from gateway.signing import keys_of
from storage.asking import asking_as
from subjects.ids import new_id
from subjects.trace import begin_trace, trace_id

logger = logging.getLogger(__name__)

NO_ROUTE: Final = "none"
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Trail:
    """What is known of a request so far, for its log line."""

    request_id: str
    trace: str
    begun: float = field(default_factory=time.perf_counter)
    route: str = NO_ROUTE
    code: str = ""
    caller: Caller = field(default_factory=Caller)
    limits: Mapping[str, str] = field(default_factory=dict)
    """The RateLimit headers, once something was spent."""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Answers requests by a table of routes."""

    house: Surroundings
    router: Router

    async def respond(self, request: Request) -> Response:
        """Return the answer to a request, whatever it is."""
        request_id = request_id_of(request.headers)
        trail = Trail(request_id, begin_trace(request_id))
        try:
            response = await self._answer(request, trail)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is becomes a problem
            response = self._problem(error, trail)
        response = replace(response, headers=self._headers(request, response, trail))
        _record(request, response, trail)
        return response

    async def _answer(self, request: Request, trail: Trail) -> Response:
        headers = request.headers
        if "content-length" in headers and "transfer-encoding" in headers:
            # Two lengths of one body: a proxy may have believed the other one (request smuggling).
            raise ProblemError("malformed_request", "Send Content-Length or Transfer-Encoding, not both.")
        if headers.get("content-encoding", "identity") != "identity":
            raise ProblemError("unsupported_media_type", "Send the body as it is, not compressed.")
        found = self.router.find(request.path)
        trail.route = found.template
        config = self.house.config
        if found.template not in PROBES:
            refuse_foreign_hosts(headers.get("host", ""), config.allowed_origins, config.api_url)
        if request.method == "OPTIONS":
            return Response(status=204, headers=preflight_headers(found.allow))
        route = found.route(request.method)
        refuse_foreign_writes(request.method, headers, config.allowed_origins, config.api_url)
        async with asyncio.timeout(route.timeout_seconds):
            caller = await self._admit(request, route, trail)
            check_length(request.body, headers.get("content-length", ""), config.max_body_bytes)
            call = self._call(request, route, found, trail)
            with asking_as(caller.asking):
                response = await self._run_once(request, route, call)
        return tagged(response, headers.get("if-none-match", "")) if route.etag else response

    async def _admit(self, request: Request, route: Route, trail: Trail) -> Caller:
        """Return who asks, if they may and not too often. Raises ProblemError 401, 403 or 429."""
        trail.caller = stranger_of(request.headers, request.peer, behind_proxy=self.house.config.behind_proxy)
        if trail.route in PROBES:
            return trail.caller
        if not route.signs_in:
            trail.caller = await self._identify(request, trail)
        trail.limits = await self.house.ports.limits.spend(route.bucket, trail.caller.holder)
        require(trail.caller, route.needs)
        return trail.caller

    async def _identify(self, request: Request, trail: Trail) -> Caller:
        ports = self.house.ports
        try:
            return await ports.identification.identify(request.headers, trail.caller, trail.request_id)
        except ProblemError:  # guessing tokens is not free
            trail.limits = await ports.limits.spend("read", trail.caller.holder)
            raise

    def _call(self, request: Request, route: Route, found: Found, trail: Trail) -> Call:
        """Return the request decoded and checked. Raises ProblemError or msgspec.ValidationError."""
        return Call(
            caller=trail.caller,
            request_id=trail.request_id,
            trace=trail.trace,
            resource_id=new_id(self.house.ports.now()),
            headers=request.headers,
            path=found.values,
            query=decode_query(route.query, request.query),
            body=decode_body(route.body, request.headers.get("content-type", ""), request.body),
        )

    async def _run_once(self, request: Request, route: Route, call: Call) -> Response:
        key = request.headers.get("idempotency-key")
        if key is None or not route.keeps_answers:
            return await self._run(request.method, route, call)

        async def run(resource_id: Any) -> Response:
            return await self._run(request.method, route, replace(call, resource_id=resource_id))

        kept, body = self.house.ports.idempotency, msgspec.json.encode(call.body, order="sorted")
        return await once(
            SealedAnswers(kept, self.house.ports.vault) if route.secret else kept,
            call.caller.user_id,
            key_of(key),
            [
                fingerprint(secret, request.method, request.path, body)
                for secret in keys_of(self.house.config)
            ],
            resource_id=call.resource_id,
            run=run,
        )

    async def _run(self, method: str, route: Route, call: Call) -> Response:
        reply = await route.handler(self.house, call)
        return _written(route, reply, headless=method == "HEAD")

    def _problem(self, error: Exception, trail: Trail) -> Response:
        problem = problem_of(error)
        trail.code = problem.code
        if problem.code == "internal":
            logger.error("request %s failed", trail.request_id, exc_info=error)
        return Response(
            status=problem.status,
            headers=problem_headers(problem),
            body=problem_body(problem, trail.request_id),
        )

    def _headers(self, request: Request, response: Response, trail: Trail) -> dict[str, str]:
        cors = cors_headers(request.headers.get("origin", ""), self.house.config.allowed_origins)
        usual = {**SECURITY, "Cache-Control": "no-store", HEADER: trail.request_id, **cors}
        return {**usual, **trail.limits, **response.headers}


def _written(route: Route, reply: Reply, *, headless: bool) -> Response:
    """Return a reply as it goes over the wire. A HEAD of a stream opens none."""
    body = reply.body if isinstance(reply.body, bytes) else b""
    if isinstance(reply.body, msgspec.Struct):
        body = _ENCODER.encode(reply.body)
    headers = {**route.headers, **reply.headers}
    if body or reply.stream is not None:
        headers.setdefault("Content-Type", route.content_type)
    stream = None if headless else reply.stream
    return Response(status=reply.status or route.status, headers=headers, body=body, stream=stream)


def _record(request: Request, response: Response, trail: Trail) -> None:
    access_log.record(
        access_log.Line(
            at=now(),
            method=request.method[:16],
            route=trail.route,
            path=request.path[:200],
            status=response.status,
            seconds=round(time.perf_counter() - trail.begun, 6),
            request_id=trail.request_id,
            trace_id=trace_id(trail.trace),
            peer=trail.caller.address or request.peer,
            user_id=str(trail.caller.user_id) if trail.caller.is_known else "",
            key_id=str(trail.caller.key_id or ""),
            bytes=len(response.body),
            code=trail.code,
        )
    )
