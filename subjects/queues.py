"""How the durables are doing: what waits, what is being worked on, and how old the oldest of it is."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from subjects.jetstream_bus import JetStreamBus
from subjects.readback import read_batch
from subjects.wire import Wire, ask_api

API_SECONDS: Final = 10.0
"""Creating a replicated stream waits for its group to elect a leader; a list asks every leader."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One durable as an operator wants to see it."""

    stream: str
    durable: str
    pending: int
    """Matching messages that were never delivered."""
    in_flight: int
    """Delivered and not answered."""
    redelivered: int
    """Of those in flight, how many were delivered more than once."""
    oldest_age_seconds: float | None
    """Since the oldest unanswered message was stored; None when there is none."""


async def queues(bus: JetStreamBus) -> list[Queue]:
    """Return all durables in order of stream and name. Raises BusError."""
    names = (await ask_admin(bus.wire, "STREAM.NAMES")).get("streams") or ()
    listed = [one for stream in names for one in await consumers(bus.wire, stream)]
    durable = [one for one in listed if one["config"].get("durable_name")]
    found = await asyncio.gather(*(_queue(bus.wire, one) for one in durable))
    return sorted(found, key=lambda queue: (queue.stream, queue.durable))


async def consumers(wire: Wire, stream: str) -> list[dict[str, Any]]:
    """Return the ConsumerInfo of every consumer of a stream. Raises BusRefusedError without the stream."""
    found: list[dict[str, Any]] = []
    while True:
        page = await ask_admin(wire, f"CONSUMER.LIST.{stream}", {"offset": len(found)})
        found += page.get("consumers") or []
        if not page.get("consumers") or len(found) >= page["total"]:
            return found


async def ask_admin(wire: Wire, subject: str, request: Any = None) -> dict[str, Any]:
    """Ask JetStream's API with the patience that administration needs."""
    return await ask_api(wire, subject, request, timeout_seconds=API_SECONDS)


async def _queue(wire: Wire, info: dict[str, Any]) -> Queue:
    busy = info["num_pending"] + info["num_ack_pending"]
    return Queue(
        info["stream_name"],
        info["name"],
        info["num_pending"],
        info["num_ack_pending"],
        info["num_redelivered"],
        await _oldest_age_seconds(wire, info) if busy else None,
    )


async def _oldest_age_seconds(wire: Wire, info: dict[str, Any]) -> float | None:
    """Everything up to the ack floor is answered, so the first match above it is the oldest that is not."""
    config = info["config"]
    filters = config.get("filter_subjects") or [config.get("filter_subject") or ">"]
    start = info["ack_floor"]["stream_seq"] + 1
    heads = await asyncio.gather(
        *(read_batch(wire, info["stream_name"], pattern, start, batch=1) for pattern in filters)
    )
    stored_at = [one.stored_at for batch in heads for one in batch]
    return max((datetime.now(UTC) - min(stored_at)).total_seconds(), 0.0) if stored_at else None
