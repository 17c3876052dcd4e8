"""One canonical line per message handled, and the metrics of the same facts.

Metric labels come from the registry and the outcomes below; never an id.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
from prometheus_client import Counter, Gauge, Histogram

logger = logging.getLogger("truthtok.journal")

MESSAGES: Final = Counter("truthtok_messages", "Messages handled", ("actor", "subject", "outcome"))
SECONDS: Final = Histogram(
    "truthtok_message_seconds",
    "From delivery to ack",
    ("actor",),
    buckets=(0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0),
)
AT_WORK: Final = Gauge("truthtok_messages_at_work", "Messages being handled now", ("actor",))


@dataclass(frozen=True, slots=True)
class Line:
    """What is written of one message."""

    actor: str
    subject: str
    video_id: str
    attempt: int
    outcome: str
    seconds: float
    trace_id: str
    reason: str = ""


def record(line: Line) -> None:
    """Write the line as JSON and count it."""
    MESSAGES.labels(line.actor, line.subject, line.outcome).inc()
    SECONDS.labels(line.actor).observe(line.seconds)
    entry = {"at": datetime.now(UTC), **msgspec.to_builtins(line), "seconds": round(line.seconds, 4)}
    logger.info(
        "%s", msgspec.json.encode({key: value for key, value in entry.items() if value != ""}).decode()
    )
