"""Messages that the server says later, once or again and again (ADR-51 of nats-architecture-and-design).

A schedule is itself a stored message: the newest on its subject counts, an older one is replaced, and
removing it cancels it. The server copies body and headers to the target subject, except the message id.
"""

from datetime import UTC, datetime
from typing import Final

from subjects.bus import Bus, Stored
from subjects.codec import MESSAGE_ID, Envelope

STREAM: Final = "WORK"
SCHEDULE: Final = "Nats-Schedule"
TARGET: Final = "Nats-Schedule-Target"
ROLLUP: Final = "Nats-Schedule-Rollup"
_OURS: Final = (SCHEDULE, TARGET, ROLLUP)
_EVERY: Final = "@every "
_AT: Final = "@at "


async def every(bus: Bus, subject: str, seconds: int, order: Envelope) -> bool:
    """Say `order` every so many seconds (at least 1), at its own subject; at most one waits there.

    Returns False when the very same schedule stands already: it is left alone, so that restarts do not
    push its next time away. Raises BusError.
    """
    headers = {SCHEDULE: f"{_EVERY}{max(seconds, 1)}s", TARGET: order.subject, ROLLUP: "sub"}
    return await _schedule(bus, subject, order, headers)


async def at(bus: Bus, subject: str, moment: datetime, order: Envelope) -> bool:
    """Say `order` once at a moment (timezone-aware), at its own subject; at once when that has passed.

    Returns False when the very same schedule stands already. Another moment replaces it. Raises BusError.
    """
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return await _schedule(bus, subject, order, {SCHEDULE: f"{_AT}{text}", TARGET: order.subject})


async def cancel(bus: Bus, subject: str) -> bool:
    """Forget a schedule; False when there was none."""
    standing = await bus.latest(STREAM, (subject,))
    return bool(standing) and await bus.remove(STREAM, standing[0].sequence)


async def _schedule(bus: Bus, subject: str, order: Envelope, headers: dict[str, str]) -> bool:
    kept = {name: value for name, value in order.headers.items() if name != MESSAGE_ID} | headers
    for standing in await bus.latest(STREAM, (subject,)):
        mine = {name: standing.headers.get(name) for name in kept}
        if mine == kept and standing.body == order.body:
            return False
    await bus.publish(Envelope(subject, order.body, kept))
    return True


def is_recurring(expression: str) -> bool:
    """Whether a schedule goes on after it fell due."""
    return expression.startswith(_EVERY)


def seconds_until_due(expression: str, now: datetime) -> float:
    """Return how long until a schedule of ours falls due, 0 if it has."""
    if is_recurring(expression):
        return float(expression.removeprefix(_EVERY).removesuffix("s"))
    return max((datetime.fromisoformat(expression.removeprefix(_AT)) - now).total_seconds(), 0.0)


def due(schedule: Stored) -> Envelope:
    """Return what a schedule says when it falls due."""
    headers = {name: value for name, value in schedule.headers.items() if name not in _OURS}
    return Envelope(schedule.headers[TARGET], schedule.body, {**headers, "Nats-Scheduler": schedule.subject})
