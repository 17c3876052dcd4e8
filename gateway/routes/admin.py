"""What an operator does: look at the queues, and list, replay or drop dead letters."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Final, cast
from uuid import UUID

from msgspec import Meta

from gateway.audit import record
from gateway.ports import Queue, Surroundings
from gateway.problems import ProblemError
from gateway.route import Answer, Call, Query, Reply, Route
from subjects.bus import Stored
from subjects.codec import SUBJECT, TRACE
from subjects.dead_letters import (
    ATTEMPTS,
    CODE,
    ORIGIN,
    REASON,
    STREAM,
    address_of,
    letters_pattern,
    replay,
)
from subjects.trace import trace_id

LETTERS: Final = "/api/v1/admin/dead-letters"


class QueueList(Answer, frozen=True, kw_only=True):
    """Every durable of every actor."""

    data: tuple[Queue, ...]


class LettersQuery(Query, frozen=True, kw_only=True):
    """Which dead letters to list, oldest first."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: Annotated[int, Meta(ge=0, le=2**63 - 1, description="`next_cursor` of the page before")] = 0
    actor: Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,63}$")] | None = None
    video_id: UUID | None = None


class DeadLetter(Answer, frozen=True, kw_only=True):
    """A message that an actor gave up on."""

    id: int
    """Its place in the stream."""
    actor: str
    priority: str
    video_id: UUID
    subject: str
    """What the message is."""
    origin: str
    """Where it lay when it died."""
    code: str
    reason: str
    attempts: int
    trace_id: str
    size_bytes: int
    died_at: datetime


class LetterPage(Answer, frozen=True, kw_only=True):
    """A page of dead letters, oldest first."""

    data: tuple[DeadLetter, ...]
    next_cursor: str | None


async def list_queues(house: Surroundings, call: Call) -> Reply:  # noqa: ARG001 - a handler takes both
    """Return how much work waits for each actor."""
    return Reply(body=QueueList(data=tuple(await house.ports.queues.list_queues())))


async def list_letters(house: Surroundings, call: Call) -> Reply:
    """Return a page of dead letters."""
    asked: LettersQuery = call.query
    pattern = letters_pattern(actor=asked.actor or "*", video_id=str(asked.video_id or "*"))
    history = house.ports.bus.history(STREAM, (pattern,), after=asked.cursor)
    found = await first(history, asked.limit + 1)
    shown = tuple(map(present_letter, found[: asked.limit]))
    more = len(found) > asked.limit
    return Reply(body=LetterPage(data=shown, next_cursor=str(shown[-1].id) if more else None))


async def replay_letter(house: Surroundings, call: Call) -> Reply:
    """Put a dead letter back to work."""
    letter = await _get_letter(house, call)
    await replay(house.ports.bus, letter)
    await record(house, call, "dead-letter.replayed", target=f"dead-letter:{letter.sequence}")
    return Reply()


async def drop_letter(house: Surroundings, call: Call) -> Reply:
    """Forget a dead letter."""
    letter = await _get_letter(house, call)
    await house.ports.bus.remove(STREAM, letter.sequence)
    await record(house, call, "dead-letter.dropped", target=f"dead-letter:{letter.sequence}")
    return Reply()


async def _get_letter(house: Surroundings, call: Call) -> Stored:
    letter = await house.ports.bus.find(STREAM, call.sequence)
    if letter is None:
        raise ProblemError("not_found", "There is no such dead letter; it may have been replayed.")
    return letter


async def first(messages: AsyncIterator[Stored], count: int) -> list[Stored]:
    """Return up to `count` messages and leave the rest unread."""
    found: list[Stored] = []
    async with aclosing(cast("Any", messages)) as open_messages:
        async for stored in open_messages:
            found.append(stored)
            if len(found) == count:
                break
    return found


def present_letter(letter: Stored) -> DeadLetter:
    """Return a dead letter as an operator sees it. Pure."""
    address, headers = address_of(letter.subject), letter.headers
    attempts = headers.get(ATTEMPTS, "")
    return DeadLetter(
        id=letter.sequence,
        actor=address.name.partition(".")[2],
        priority=address.priority,
        video_id=address.video_id,
        subject=headers.get(SUBJECT, ""),
        origin=headers.get(ORIGIN, ""),
        code=headers.get(CODE, ""),
        reason=headers.get(REASON, ""),
        attempts=int(attempts) if attempts.isascii() and attempts.isdecimal() else 0,
        trace_id=trace_id(headers.get(TRACE, "")),
        size_bytes=len(letter.body),
        died_at=letter.stored_at,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/admin/queues",
        handler=list_queues,
        summary="How much work waits for each actor",
        group="Operations",
        answer=QueueList,
        needs="operations",
    ),
    Route(
        method="GET",
        path=LETTERS,
        handler=list_letters,
        summary="List dead letters, oldest first",
        group="Operations",
        query=LettersQuery,
        answer=LetterPage,
        needs="operations",
    ),
    Route(
        method="POST",
        path=f"{LETTERS}/{{sequence}}/replay",
        handler=replay_letter,
        summary="Put a dead letter back to work",
        group="Operations",
        status=204,
        needs="operations",
        problems=("not_found",),
    ),
    Route(
        method="DELETE",
        path=f"{LETTERS}/{{sequence}}",
        handler=drop_letter,
        summary="Forget a dead letter",
        group="Operations",
        status=204,
        needs="operations",
        problems=("not_found",),
    ),
)
