"""What a dead letter looks like, and how it becomes an order again.

`dead.<actor>.<class>.<video_id>` holds the body and headers a message had, and how it died. Replaying one
puts it on `work.<actor>.high.<video_id>` under a new message id; the actor cannot tell the difference. High,
because somebody asked for it and waits; what follows from it keeps that class.
"""

from functools import lru_cache
from typing import Final

from subjects.bus import Bus, Stored
from subjects.codec import MESSAGE_ID, Envelope, derived_id
from subjects.message import Address, Priority
from subjects.work import HOUSE, order_subject

STREAM: Final = "DEAD_LETTERS"
ORIGIN: Final = "Truthtok-Origin"
REASON: Final = "Truthtok-Reason"
CODE: Final = "Truthtok-Code"
ATTEMPTS: Final = "Truthtok-Attempts"
LONGEST_REASON: Final = 500
DEAD_POSITION: Final = -1


@lru_cache(maxsize=1024)
def address_of(subject: str) -> Address:
    """Take a subject apart; one that is not of the house's form belongs to no single video."""
    try:
        return Address.parse(subject)
    except ValueError:
        return Address(subject, Priority.NORMAL, HOUSE)


def one_line(text: str) -> str:
    """Return text that fits a header: printable, on one line, bounded."""
    return "".join(char if char.isprintable() else " " for char in text)[:LONGEST_REASON]


def dead_letter(actor: str, stored: Stored, attempts: int, code: str, reason: str) -> Envelope:
    """Return the dead letter of a message: its own body and headers, and how it died."""
    address = address_of(stored.subject)
    cause = stored.headers.get(MESSAGE_ID, f"{stored.subject}:{stored.sequence}")
    headers = {
        **{name: value for name, value in stored.headers.items() if not name.startswith("Nats-")},
        MESSAGE_ID: derived_id(cause, actor, DEAD_POSITION),
        ORIGIN: stored.subject,
        CODE: code,
        REASON: one_line(reason),
        ATTEMPTS: str(attempts),
    }
    return Envelope(f"dead.{actor}.{address.priority}.{address.video_id}", stored.body, headers)


def letters_pattern(*, actor: str = "*", video_id: str = "*") -> str:
    """Return the filter that matches dead letters of one actor or video, or of all."""
    return f"dead.{actor}.*.{video_id}"


async def replay(bus: Bus, letter: Stored) -> None:
    """Put a dead letter back to work, then forget it.

    The id derives from the letter's place, so a replay that was interrupted does not order the work twice.
    Raises BusError; then the letter is still there.
    """
    address = Address.parse(letter.subject)
    actor = address.name.partition(".")[2]
    headers = {
        **{name: value for name, value in letter.headers.items() if not name.startswith("Nats-")},
        MESSAGE_ID: derived_id(f"{STREAM}:{letter.sequence}", actor, 0),
    }
    for name in (ORIGIN, REASON, CODE, ATTEMPTS):
        headers.pop(name, None)
    await bus.publish(Envelope(order_subject(actor, Priority.HIGH, address.video_id), letter.body, headers))
    await bus.remove(STREAM, letter.sequence)
