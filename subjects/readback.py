"""Reading a stream back: the newest of each subject, the history, one message.

Direct gets are cheap and leave nothing on the server, but in a cluster any replica answers them and may lag.
So the leader is asked for the newest sequence first, and an answer that has not come so far is asked again.
(nats-server 2.15 knows no `min_last_seq` in a get request; ADR-31 gives what the replica had seen instead.)
"""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import msgspec

from subjects.bus import BusRefusedError, BusUnavailableError, Stored
from subjects.wire import API, DESCRIPTION, STATUS, ApiRefusedError, Heard, Wire, ask_api

NO_MESSAGE: Final = 10037
NO_SEQUENCE: Final = 10043
BATCH: Final = 256
BATCH_BYTES: Final = 4 * 1024 * 1024
LAG_SECONDS: Final = 2.0
_LAG_PAUSE_SECONDS: Final = 0.02
_SEQUENCE: Final = "Nats-Sequence"
_ADDED: Final = frozenset(
    {"Nats-Stream", "Nats-Subject", _SEQUENCE, "Nats-Time-Stamp", "Nats-Num-Pending", "Nats-Last-Sequence"}
)


async def latest(wire: Wire, stream: str, patterns: tuple[str, ...], at_least: int) -> list[Stored]:
    """Return the newest message of each subject, from a replica that knows everything up to `at_least`."""
    needed = at_least or await newest(wire, stream, patterns)
    deadline = asyncio.get_running_loop().time() + LAG_SECONDS
    while needed:
        found, reached = await _latest_of_some_replica(wire, stream, patterns)
        if reached >= needed:
            return found
        if asyncio.get_running_loop().time() > deadline:
            needed = await newest(wire, stream, patterns)
            if needed:
                raise BusUnavailableError(f"{stream}: a replica has lagged for {LAG_SECONDS:g} s")
        await asyncio.sleep(_LAG_PAUSE_SECONDS)
    return []


async def history(wire: Wire, stream: str, patterns: tuple[str, ...], after: int) -> AsyncIterator[Stored]:
    """Yield what matches any pattern, in order. A message that matches two comes once."""
    sources = [_along(wire, stream, pattern, after) for pattern in patterns]
    heads = [head for source in sources if (head := await _head(source)) is not None]
    last = after
    while heads:
        first, source = min(heads, key=lambda head: head[0].sequence)
        heads.remove((first, source))
        if first.sequence > last:
            last = first.sequence
            yield first
        if (head := await _head(source)) is not None:
            heads.append(head)


async def find(wire: Wire, stream: str, request: dict[str, Any]) -> Stored | None:
    """Return the one message that a get request names, as the stream's leader has it, or None."""
    try:
        answer = await ask_api(wire, f"STREAM.MSG.GET.{stream}", request)
    except ApiRefusedError as error:
        if error.code == NO_MESSAGE:
            return None
        raise
    message = answer["message"]
    return Stored(
        message["subject"],
        parse_headers(b64decode(message.get("hdrs", ""))),
        b64decode(message.get("data", "")),
        message["seq"],
        datetime.fromisoformat(message["time"]),
    )


async def remove(wire: Wire, stream: str, sequence: int) -> bool:
    """Delete one message, its bytes overwritten: it may tell of a person. False when it was gone."""
    try:
        await ask_api(wire, f"STREAM.MSG.DELETE.{stream}", {"seq": sequence})
    except ApiRefusedError as error:
        if error.code in (NO_MESSAGE, NO_SEQUENCE):
            return False
        raise
    except BusUnavailableError:
        # An empty stream answers 500 where another says that there is no such message.
        if await find(wire, stream, {"seq": sequence}) is None:
            return False
        raise
    return True


async def newest(wire: Wire, stream: str, patterns: tuple[str, ...]) -> int:
    """Return the highest sequence that matches any pattern as the leader has it, or 0."""
    asked = (find(wire, stream, {"last_by_subj": pattern}) for pattern in patterns)
    return max((one.sequence for one in await asyncio.gather(*asked) if one), default=0)


def parse_headers(block: bytes) -> dict[str, str]:
    """Return the headers of a stored block: a version line, then `Name: value` lines."""
    lines = block.decode("utf-8", "replace").split("\r\n")[1:]
    return {name: value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}


async def _latest_of_some_replica(
    wire: Wire, stream: str, patterns: tuple[str, ...]
) -> tuple[list[Stored], int]:
    request = {"multi_last": list(patterns), "batch": 1024}
    *heard, end = await wire.ask_many(f"{API}.DIRECT.GET.{stream}", msgspec.json.encode(request))
    reached = int(_check(stream, end).get("Nats-UpTo-Sequence", 0))
    return sorted(map(_stored, heard), key=lambda one: one.sequence), reached


async def _along(wire: Wire, stream: str, pattern: str, after: int) -> AsyncIterator[Stored]:
    """Yield one pattern's messages above `after` to the newest that the leader has at the start."""
    goal, deadline = await newest(wire, stream, (pattern,)), None
    while after < goal:
        batch = await read_batch(wire, stream, pattern, after + 1)
        for one in batch:
            after = one.sequence
            yield one
        if batch:
            deadline = None
        else:  # a replica that lags, or the newest was removed meanwhile
            now = asyncio.get_running_loop().time()
            deadline = deadline or now + LAG_SECONDS
            if now > deadline:
                raise BusUnavailableError(f"{stream}: a replica has lagged for {LAG_SECONDS:g} s")
            await asyncio.sleep(_LAG_PAUSE_SECONDS)
            goal = min(goal, await newest(wire, stream, (pattern,)))


async def read_batch(
    wire: Wire, stream: str, pattern: str, start: int, *, batch: int = BATCH
) -> list[Stored]:
    """Return the next messages of one pattern from `start` on, as some replica has them."""
    request = {"seq": start, "next_by_subj": pattern, "batch": batch, "max_bytes": BATCH_BYTES}
    *heard, end = await wire.ask_many(f"{API}.DIRECT.GET.{stream}", msgspec.json.encode(request))
    _check(stream, end)
    found = list(map(_stored, heard))
    if any(later.sequence <= earlier.sequence for earlier, later in pairwise(found)):
        raise BusUnavailableError(f"{stream}: a batch came out of order")
    return found


async def _head(source: AsyncIterator[Stored]) -> tuple[Stored, AsyncIterator[Stored]] | None:
    async for one in source:
        return one, source
    return None


def _check(stream: str, end: Heard) -> dict[str, str]:
    """Return the headers of a batch's end (204), also of an empty one (404). Raises for all else."""
    headers = end.headers or {}
    match headers.get(STATUS):
        case "204" | "404":
            return headers
        case "413":
            raise BusRefusedError(f"{stream}: more subjects match than one answer holds; narrow the patterns")
        case "408" | "412":
            raise BusRefusedError(f"{stream}: {headers.get(DESCRIPTION)}")
    raise BusUnavailableError(f"{stream}: {headers.get(STATUS)} {headers.get(DESCRIPTION)}")


def _stored(heard: Heard) -> Stored:
    headers = heard.headers or {}
    return Stored(
        headers["Nats-Subject"],
        {name: value for name, value in headers.items() if name not in _ADDED},
        heard.data,
        int(headers[_SEQUENCE]),
        datetime.fromisoformat(headers["Nats-Time-Stamp"]),
    )
