"""The little that the JetStream adapter needs from a NATS connection.

`jetstream.py` implements it over nats-py; everything built on it here speaks JetStream's own protocol of
subjects, JSON and status headers, and knows no client library.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, Protocol

import msgspec

from subjects.bus import BusRefusedError, BusUnavailableError

API: Final = "$JS.API"
ANSWER_SECONDS: Final = 2.0
"""How long an answer may take. The round trip is below a millisecond, an election some seconds."""
STATUS: Final = "Status"
DESCRIPTION: Final = "Description"
NO_RESPONDERS: Final = "503"

_PASSING: Final = frozenset({408, 409, 429})


class Heard(Protocol):
    """One message as it arrived."""

    subject: str
    reply: str
    data: bytes
    headers: dict[str, str] | None


OnHeard = Callable[[Heard], Awaitable[None]]


class Line(Protocol):
    """A private subject space of ours: what is sent below `prefix` is heard."""

    @property
    def prefix(self) -> str:
        """Ends without a dot; one token follows it, none on a line to one subject."""

    async def close(self) -> None:
        """Hear nothing more, at once."""

    async def drain(self) -> None:
        """Hear what is already under way, then nothing more."""


class Watcher(Protocol):
    """Whoever must act when the connection breaks."""

    async def lost(self) -> None:
        """The connection broke: what was sent may be lost, answers too. Called before it is mended."""

    async def back(self) -> None:
        """The connection stands again."""


class Wire(Protocol):
    """A connection that mends itself."""

    @property
    def connected(self) -> bool:
        """Whether it stands at this moment."""

    async def send(self, subject: str, body: bytes = b"", *, reply: str = "") -> None:
        """Send and forget. What cannot be sent is lost silently: use it for what the server asks again."""

    async def ask(
        self,
        subject: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Heard:
        """Send and return the one answer. Raises BusUnavailableError, or BusRefusedError when denied."""

    async def ask_many(
        self, subject: str, body: bytes, *, timeout_seconds: float = ANSWER_SECONDS
    ) -> list[Heard]:
        """Send and return all answers; a status message is the last. Raises as `ask`."""

    async def open_line(self, on_heard: OnHeard, *, tokens: Literal[0, 1] = 1) -> Line:
        """Listen on a new line, to its prefix and one token, or to the bare prefix.

        A push consumer delivers only where somebody listens without wildcards (measured).
        """

    async def ping(self) -> float:
        """Return the seconds of one round trip. Raises BusUnavailableError."""

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of every loss and return, until `unwatch`."""

    def unwatch(self, watcher: Watcher) -> None:
        """Tell it no more."""


class ApiError(msgspec.Struct, frozen=True):
    """The error in an answer of JetStream's API (nats-server: server/errors.json)."""

    code: int
    err_code: int = 0
    description: str = ""


class ApiAnswer(msgspec.Struct, frozen=True):
    """What every JSON answer of JetStream has in common."""

    error: ApiError | None = None


class ApiRefusedError(BusRefusedError):
    """JetStream's API answered no, with one of its codes."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def refusal(about: str, error: ApiError) -> BusRefusedError | BusUnavailableError:
    """Return the exception for an error of the API: refused, or unavailable when it may pass by itself.

    5xx means leaderless, starting, short of room; 409 that the same id is being stored right now.
    """
    text = f"{about}: {error.description} ({error.err_code})"
    passing = error.code >= 500 or error.code in _PASSING  # noqa: PLR2004 - status classes as in HTTP
    return BusUnavailableError(text) if passing else ApiRefusedError(text, error.err_code)


def status_of(heard: Heard) -> str:
    """Return the three digits of a status message, or nothing for a message with content."""
    return (heard.headers or {}).get(STATUS, "") if not heard.reply and not heard.data else ""


async def ask_api(
    wire: Wire, subject: str, request: Any = None, *, timeout_seconds: float = ANSWER_SECONDS
) -> dict[str, Any]:
    """Ask JetStream's API (`subject` without its prefix) and return the answer as JSON.

    Raises BusRefusedError or BusUnavailableError for an error in the answer, or when nobody answers.
    """
    body = b"" if request is None else msgspec.json.encode(request)
    heard = await wire.ask(f"{API}.{subject}", body, timeout_seconds=timeout_seconds)
    if status_of(heard) == NO_RESPONDERS:
        raise BusUnavailableError(f"{subject}: nobody answers: JetStream is starting or not enabled")
    answer: dict[str, Any] = msgspec.json.decode(heard.data)
    if "error" in answer:
        raise refusal(subject, msgspec.convert(answer["error"], ApiError))
    return answer
