"""The streams that keep what is said, and the durables that read them.

A stream is declared by what it promises; `configuration()` gives the JSON that the server's API takes
(field names as in nats-server's StreamConfig and ConsumerConfig; durations there are nanoseconds).
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from subjects.message import Priority, Subject

DAY_SECONDS: Final = 86_400.0
KEPT_DAYS: Final = 90
"""How long facts and dead letters are kept. The same: a retried letter's join needs the facts beside it."""
DUPLICATE_WINDOW_SECONDS: Final = 600.0
"""How long the server knows a message id. Longer than any ack wait times deliveries of a normal restart;
beyond it the natural keys in Postgres guarantee that nothing happens twice."""


def nanoseconds(seconds: float) -> int:
    """Return a duration as the server's API wants it."""
    return int(seconds * 1_000_000_000)


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: its subjects, how long it keeps them and why it exists."""

    name: str
    subjects: tuple[str, ...]
    why: str
    retention: Literal["limits", "workqueue"] = "limits"
    max_age_seconds: float = 0.0
    max_per_subject: int = -1
    max_bytes: int = -1
    schedules: bool = False

    def configuration(self, replicas: int = 1) -> dict[str, Any]:
        """Return the stream as nats-server's StreamConfig."""
        return {
            "name": self.name,
            "description": self.why,
            "subjects": list(self.subjects),
            "retention": self.retention,
            "storage": "file",
            "max_age": nanoseconds(self.max_age_seconds),
            "max_msgs_per_subject": self.max_per_subject,
            "max_bytes": self.max_bytes,
            "max_msgs": -1,
            "max_consumers": -1,
            "max_msg_size": -1,
            "discard": "old",
            "num_replicas": replicas,
            "duplicate_window": nanoseconds(DUPLICATE_WINDOW_SECONDS),
            "allow_direct": True,
            "allow_msg_schedules": self.schedules,
        }


STREAMS: Final = (
    Stream(
        "EVENTS",
        ("upload.>", "video.>", "account.>", "stage.skipped.>"),
        "Facts. One publish reaches every interested actor; history serves replay, audit and joins.",
        max_age_seconds=KEPT_DAYS * DAY_SECONDS,
    ),
    Stream(
        "WORK",
        ("work.>", "schedule.>"),
        "Orders for exactly one actor: retries, scheduled sweeps. Gone once done.",
        retention="workqueue",
        schedules=True,
    ),
    Stream(
        "PROGRESS",
        ("stage.progressed.>",),
        # On file: a memory stream loses its definition with its server, and nobody would make it again.
        "The latest progress of each stage of each video. May be lost.",
        max_per_subject=1,
        max_age_seconds=DAY_SECONDS,
    ),
    Stream(
        "ADVISORIES",
        ("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",),
        "Messages that used up their deliveries, most likely by killing their process.",
        retention="workqueue",
    ),
    Stream(
        "DEAD_LETTERS",
        ("dead.>",),
        "What actors gave up on, for an operator to list, inspect and replay.",
        max_age_seconds=KEPT_DAYS * DAY_SECONDS,
    ),
)


@dataclass(frozen=True, slots=True)
class Durable:
    """One durable pull consumer: an actor's place in a stream for one class of urgency.

    All replicas of the actor share it; the server gives each message to one of them.
    """

    stream: str
    name: str
    filters: tuple[str, ...]
    ack_wait_seconds: float
    max_deliver: int
    max_ack_pending: int = 1000

    def configuration(self) -> dict[str, Any]:
        """Return the durable as nats-server's ConsumerConfig."""
        return {
            "durable_name": self.name,
            "filter_subjects": list(self.filters),
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": nanoseconds(self.ack_wait_seconds),
            "max_deliver": self.max_deliver,
            "max_ack_pending": self.max_ack_pending,
            "replay_policy": "instant",
            "max_waiting": 512,
        }


def durables(
    actor: str, consumes: tuple[Subject[Any], ...], *, ack_wait_seconds: float, max_deliver: int
) -> tuple[Durable, ...]:
    """Return the durables of one actor: for each class one in EVENTS and one for its orders in WORK."""
    made: list[Durable] = []
    for priority in Priority:
        by_stream = {"WORK": {f"work.{actor}.{priority}.*"}}
        for subject in consumes:
            by_stream.setdefault(subject.stream, set()).add(subject.pattern(priority=priority))
        made += [
            Durable(stream, f"{actor}-{priority}", tuple(sorted(filters)), ack_wait_seconds, max_deliver)
            for stream, filters in sorted(by_stream.items())
        ]
    return tuple(made)
