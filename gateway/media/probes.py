"""/health, /ready and /metrics, the same in every process that embeds them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.media.exchange import Reply, Request
from gateway.media.router import Route

Readiness = Callable[[], Awaitable[Mapping[str, str]]]
"""Answers what is wrong with each dependency by its name; an empty text means that it answers."""

_FRESH: Final = {"Cache-Control": "no-store"}
_JSON: Final = {"Content-Type": "application/json", **_FRESH}


def probe_routes(ready: Readiness) -> tuple[Route, ...]:
    """Return the three routes that an orchestrator and Prometheus ask."""

    async def is_ready(request: Request) -> Reply:
        leaving = {"process": "it is draining"} if request.leaving.is_set() else {}
        return readiness_reply({**await ready(), **leaving})

    return (
        Route("/health", {"GET": _is_alive}, quiet=True),
        Route("/ready", {"GET": is_ready}, quiet=True),
        Route("/metrics", {"GET": _metrics}, quiet=True),
    )


def readiness_reply(troubles: Mapping[str, str]) -> Reply:
    """Return 200, or 503 when something is wrong, with a word on every dependency."""
    wrong = any(troubles.values())
    words = {name: trouble or "ok" for name, trouble in troubles.items()}
    answer = {"status": "unavailable" if wrong else "ok", "dependencies": words}
    return Reply(503 if wrong else 200, _JSON, msgspec.json.encode(answer))


async def _is_alive(_: Request) -> Reply:
    return Reply(200, _JSON, b'{"status":"ok"}')


async def _metrics(_: Request) -> Reply:
    return Reply(200, {"Content-Type": CONTENT_TYPE_LATEST, **_FRESH}, generate_latest())
