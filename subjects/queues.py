"""How the durables are doing: what waits, what is being worked on, and how old the oldest of it is."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from subjects.administration import consumers
from subjects.readback import read_batch
from subjects.wire import Wire


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
    waiting_requests: int
    oldest_age_seconds: float | None
    """Since the oldest unanswered message was stored; None when there is none."""


async def queues(wire: Wire, streams: Iterable[str]) -> list[Queue]:
    """Return the durables of these streams, in order of stream and name."""
    listed = [one for stream in streams for one in await consumers(wire, stream)]
    found = await asyncio.gather(*(_queue(wire, one) for one in listed if one["config"].get("durable_name")))
    return sorted(found, key=lambda queue: (queue.stream, queue.durable))


async def _queue(wire: Wire, info: dict[str, Any]) -> Queue:
    busy = info["num_pending"] + info["num_ack_pending"]
    return Queue(
        info["stream_name"],
        info["name"],
        info["num_pending"],
        info["num_ack_pending"],
        info["num_redelivered"],
        info["num_waiting"],
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
