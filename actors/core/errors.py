"""How a handler says that it did not finish. Anything else it raises is retried with backoff.

ActorSignal
├── Retry    not now: come back after a delay of the handler's choice
└── Reject   never: this message cannot be handled, bury it and say why

HungError is the runtime's own: the handler showed no sign of life within its ack wait.

An expected outcome ("this is not a video") is neither: it is a message, returned like any other.
"""


class ActorSignal(Exception):  # noqa: N818 - these say what to do next; they are not faults
    """Base of what a handler may raise on purpose."""


class Retry(ActorSignal):
    """Handle the message again after `delay_seconds`."""

    def __init__(self, delay_seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.delay_seconds = delay_seconds


class Reject(ActorSignal):
    """Put the message into the dead letters now, with a stable `code` and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class HungError(Exception):
    """A handler was silent for its ack wait: the broker has given the message away, so it was stopped."""

    def __init__(self, silent_seconds: float) -> None:
        super().__init__(f"no sign of life for {silent_seconds:g} s")
