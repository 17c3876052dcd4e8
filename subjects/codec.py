"""Message <-> subject, headers and bytes.

Bodies are JSON; headers carry what the runtime needs without decoding a body. Message ids derive from
their cause, so that saying a thing again is recognised as the same thing.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import msgspec

from subjects.message import Message, Priority
from subjects.registry import find_subject, subject_of

MESSAGE_ID: Final = "Nats-Msg-Id"
"""The server drops a second message with the same id inside its duplicate window."""
SUBJECT: Final = "Truthtok-Subject"
"""What the message is, wherever it lies: an order or a dead letter keeps the name it was born with."""
VERSION: Final = "Truthtok-Version"
TRACE: Final = "traceparent"
"""W3C Trace Context, https://www.w3.org/TR/trace-context/."""

_ENCODER: Final = msgspec.json.Encoder()


class UndecodableError(ValueError):
    """The bytes are not the message that their header or subject promises. Never worth a retry."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is put on the wire: a concrete subject, headers and a body."""

    subject: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def seal(
    message: Message, *, message_id: str, priority: Priority, trace: str = "", subject: str | None = None
) -> Envelope:
    """Put a message into its envelope; `subject` overrides where it goes, as orders do."""
    declared = subject_of(message)
    headers = {MESSAGE_ID: message_id, SUBJECT: declared.name, VERSION: str(declared.version)}
    if trace:
        headers[TRACE] = trace
    return Envelope(subject or declared.of(message, priority), _ENCODER.encode(message), headers)


def open_message(subject: str, headers: dict[str, str], body: bytes) -> Message:
    """Take a message out of its envelope. Raises UndecodableError, naming the field that does not fit."""
    name = headers.get(SUBJECT) or ".".join(subject.split(".")[:2])
    declared = find_subject(name)
    if declared is None:
        raise UndecodableError(f"no message is registered for {name!r}")
    try:
        return msgspec.json.decode(body, type=declared.message)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise UndecodableError(f"{name}: {error}") from error


def derived_id(cause: str, actor: str, position: int) -> str:
    """Return the id of an actor's output number `position` to the message `cause`: 32 hex digits.

    The same input gives the same ids on every delivery, so a redelivery publishes nothing new.
    """
    digest = blake2b(f"{cause}\x1f{actor}\x1f{position}".encode(), digest_size=16)
    return digest.hexdigest()
