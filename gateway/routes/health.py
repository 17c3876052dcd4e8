"""Is it alive, is it ready, and how is each server behind it."""

import asyncio
import time
from typing import Final, Literal

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.ports import Dependency, Surroundings
from gateway.problems import ProblemError
from gateway.readiness import Readiness, unready
from gateway.route import Answer, Call, Reply, Route

PING_SECONDS: Final = 2.0


class Health(Answer, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Finding(Answer, frozen=True, kw_only=True):
    """How one server behind this one is."""

    status: Literal["ok", "failed"]
    latency_ms: float
    detail: str | None = None
    """What went wrong."""


class DeepHealth(Answer, frozen=True, kw_only=True):
    """How every server behind this one is."""

    status: Literal["ok", "degraded", "failed"]
    dependencies: dict[str, Finding]


async def get_health(house: Surroundings, call: Call) -> Reply:  # noqa: ARG001 - a handler takes both
    """Answer: that is all there is to say."""
    return Reply(body=Health())


async def get_readiness(house: Surroundings, call: Call) -> Reply:  # noqa: ARG001 - a handler takes both
    """Return whether requests can be served. Raises ProblemError 503 naming what is missing."""
    found = await examine(house.ports.dependencies)
    missing = [name for name, (needed, one) in found.items() if needed and one.status == "failed"]
    if missing:
        raise unready(missing)
    slow = tuple(name for name, (_, one) in found.items() if one.status == "failed")
    return Reply(body=Readiness(degraded=slow))


async def get_deep_health(house: Surroundings, call: Call) -> Reply:
    """Return how each dependency is, with its latency; 503 when a needed one fails.

    Raises ProblemError 403 unless an administrator asks, or somebody in the private network.
    """
    if not (call.caller.is_near or call.caller.may("operations")):
        raise ProblemError("forbidden", "Ask from the private network, or as an administrator.")
    found = await examine(house.ports.dependencies)
    failed = {needed for needed, one in found.values() if one.status == "failed"}
    status: Literal["ok", "degraded", "failed"] = (
        "failed" if True in failed else "degraded" if failed else "ok"
    )
    body = DeepHealth(status=status, dependencies={name: one for name, (_, one) in found.items()})
    return Reply(body=body, status=503 if status == "failed" else 200)


async def get_metrics(house: Surroundings, call: Call) -> Reply:  # noqa: ARG001 - a handler takes both
    """Return this process's metrics."""
    return Reply(body=generate_latest())


async def examine(dependencies: tuple[Dependency, ...]) -> dict[str, tuple[bool, Finding]]:
    """Ask every dependency at once; whether it is required, and what was found, by name."""
    findings = await asyncio.gather(*(_ask(one) for one in dependencies))
    return {one.name: (one.required, finding) for one, finding in zip(dependencies, findings, strict=True)}


async def _ask(dependency: Dependency) -> Finding:
    begun, detail = time.perf_counter(), None
    try:
        async with asyncio.timeout(PING_SECONDS):
            await dependency.ping()
    except Exception as error:  # noqa: BLE001 - whatever is wrong is the finding
        detail = str(error)[:200] or type(error).__name__
    latency_ms = round((time.perf_counter() - begun) * 1000, 2)
    return Finding(status="ok" if detail is None else "failed", latency_ms=latency_ms, detail=detail)


ROUTES: Final = (
    Route(
        method="GET",
        path="/health",
        handler=get_health,
        summary="Alive?",
        group="Health and documents",
        answer=Health,
    ),
    Route(
        method="GET",
        path="/ready",
        handler=get_readiness,
        summary="Are the servers behind this one reachable?",
        group="Health and documents",
        answer=Readiness,
        problems=("unavailable",),
    ),
    Route(
        method="GET",
        path="/health/deep",
        handler=get_deep_health,
        summary="Each server behind this one: status and latency",
        group="Health and documents",
        answer=DeepHealth,
        problems=("forbidden",),
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=get_metrics,
        summary="Metrics of this process in the Prometheus text format",
        group="Health and documents",
        content_type=CONTENT_TYPE_LATEST,
    ),
)
