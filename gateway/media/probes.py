"""/health, /ready and /metrics, the same in every process that embeds them."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway import readiness
from gateway.media.exchange import Reply, Request
from gateway.media.router import Route
from gateway.problems import unavailable

logger = logging.getLogger(__name__)

Readiness = Callable[[], Awaitable[Mapping[str, str]]]
"""Answers what is wrong with each dependency by its name; an empty text means that it answers."""

_FRESH: Final = {"Cache-Control": "no-store"}
_JSON: Final = {"Content-Type": "application/json", **_FRESH}


def probe_routes(ready: Readiness) -> tuple[Route, ...]:
    """Return the three routes that an orchestrator and Prometheus ask."""

    async def is_ready(request: Request) -> Reply:
        if request.leaving.is_set():
            raise unavailable("This process is about to end: ask another.")
        return readiness_reply(await ready())

    return (
        Route("/health", {"GET": _is_alive}, quiet=True),
        Route("/ready", {"GET": is_ready}, quiet=True),
        Route("/metrics", {"GET": _metrics}, quiet=True),
    )


def readiness_reply(troubles: Mapping[str, str]) -> Reply:
    """Return 200 when nothing is wrong. Raises ProblemError 503 naming what is."""
    missing = [name for name, trouble in troubles.items() if trouble]
    if missing:
        logger.warning("not ready: %s", {name: troubles[name] for name in missing})
        raise readiness.unready(missing)
    return Reply(200, _JSON, msgspec.json.encode(readiness.Readiness()))


async def _is_alive(_: Request) -> Reply:
    return Reply(200, _JSON, b'{"status":"ok"}')


async def _metrics(_: Request) -> Reply:
    return Reply(200, {"Content-Type": CONTENT_TYPE_LATEST, **_FRESH}, generate_latest())
