"""One canonical line per request, and metrics of the same facts. Labels are route templates, never ids."""

import logging
from datetime import datetime
from typing import Final

import msgspec
from prometheus_client import Counter, Gauge, Histogram

from gateway.log_line import method_label, write

logger = logging.getLogger("truthtok.access")

REQUESTS: Final = Counter("truthtok_api_requests", "API requests answered", ("method", "route", "status"))
SECONDS: Final = Histogram(
    "truthtok_api_request_seconds",
    "From the request to its response; of a stream, to its beginning",
    ("method", "route"),
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0),
)
STREAMS: Final = Gauge("truthtok_api_event_streams", "Event streams open now")


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written of one request."""

    at: datetime
    method: str
    route: str
    path: str
    status: int
    seconds: float
    request_id: str
    trace_id: str
    peer: str
    bytes: int
    user_id: str = ""
    """Of the account that asked, if the request named one."""
    key_id: str = ""
    """Of the API key, if it came with one."""
    code: str = ""
    """Of the problem, if it was one."""


def record(line: Line) -> None:
    """Write the line as JSON and count it."""
    method = method_label(line.method)
    REQUESTS.labels(method, line.route, str(line.status)).inc()
    SECONDS.labels(method, line.route).observe(line.seconds)
    write(logger, line)
