"""What an outcome means for its message. Pure: no clocks, no I/O; chance is passed in."""

from dataclasses import dataclass

from actors.core.actor import Delivery
from actors.core.errors import Reject, Retry
from storage.errors import VideoGoneError
from subjects.codec import UndecodableError
from subjects.message import Message

OUT_OF_ATTEMPTS = "out_of_attempts"
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Done:
    """Say these, then ack."""

    outputs: tuple[Message, ...] = ()
    outcome: str = "done"


@dataclass(frozen=True, slots=True)
class Later:
    """Give the message back for a while."""

    delay_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Bury:
    """Put the message into the dead letters, then terminate it."""

    code: str
    reason: str


Verdict = Done | Later | Bury


def backoff_seconds(attempt: int, chance: float) -> float:
    """Return how long to wait after failed attempt number `attempt`, from 1; `chance` is uniform in [0, 1).

    Exponential with full jitter above a floor of half, so that a herd that failed together does not return
    together (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
    """
    ceiling = min(BACKOFF_FIRST_SECONDS * 2.0 ** min(attempt - 1, 16), BACKOFF_LIMIT_SECONDS)
    return ceiling * (0.5 + chance / 2.0)


def judge(error: Exception, attempt: int, delivery: Delivery, chance: float) -> Verdict:
    """Decide what becomes of a message whose handler raised."""
    if isinstance(error, VideoGoneError):
        return Done(outcome="gone")
    if isinstance(error, Reject):
        return Bury(error.code, error.detail)
    if isinstance(error, UndecodableError):
        return Bury("undecodable", str(error))
    reason = f"{type(error).__name__}: {error}"
    if attempt >= delivery.max_deliver:
        # The server would deliver it no more, and its advisory knows no reason; we do.
        return Bury(OUT_OF_ATTEMPTS, reason)
    delay = error.delay_seconds if isinstance(error, Retry) else backoff_seconds(attempt, chance)
    return Later(delay, reason)
