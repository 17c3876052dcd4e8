"""One canonical line per request, and the metrics of the same facts. Labels are routes, never ids."""

import logging
from datetime import datetime
from typing import Final

import msgspec
from prometheus_client import Counter, Gauge, Histogram

from gateway.log_line import method_label, write

logger = logging.getLogger("truthtok.journal")

REQUESTS: Final = Counter("truthtok_media_requests", "Requests answered", ("method", "route", "status"))
SECONDS: Final = Histogram(
    "truthtok_media_request_seconds",
    "From the first byte to the answer's beginning, or a stream's end",
    ("route",),
    buckets=(0.002, 0.01, 0.05, 0.2, 1.0, 5.0, 30.0, 300.0),
)
RECEIVED: Final = Counter("truthtok_media_received_bytes", "Bytes of request bodies", ("route",))
RUNNING: Final = Gauge("truthtok_media_requests_running", "Requests being answered now")
COMPLETED: Final = Counter("truthtok_media_uploads_completed", "Uploads whose last byte was kept")
BUFFERS: Final = Gauge("truthtok_media_buffer_bytes", "Memory that is promised to uploads")
HURRIED: Final = Counter("truthtok_media_uploads_hurried", "Slow uploads ended for others who need memory")
STORED: Final = Counter("truthtok_media_stored_bytes", "Bytes of uploads written to staging")


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written of one request. Never a URL: the signature in it is a permission."""

    at: datetime
    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    received_bytes: int = 0
    user_id: str = ""
    """On whose behalf, when that is known: the caller's, or the owner's of the upload."""
    code: str = ""
    """The problem's code, when the answer is one."""
    notes: dict[str, str] = {}


def record(line: Line, *, quiet: bool) -> None:
    """Write the line as JSON and count it."""
    REQUESTS.labels(method_label(line.method), line.route, line.status).inc()
    SECONDS.labels(line.route).observe(line.seconds)
    if line.received_bytes:
        RECEIVED.labels(line.route).inc(line.received_bytes)
    write(logger, line, logging.DEBUG if quiet else logging.INFO)
