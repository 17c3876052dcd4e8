"""What the access logs of both gateways have in common: JSON lines, and labels from a fixed set."""

import logging
from datetime import UTC, datetime
from typing import Final

import msgspec

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def method_label(method: str) -> str:
    """Return a method as a metric's label: what a client invents is `other`."""
    return method if method in METHODS else "other"


def write(logger: logging.Logger, line: msgspec.Struct, level: int = logging.INFO) -> None:
    """Write a line as JSON."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s", msgspec.json.encode(line).decode())


def now() -> datetime:
    """Return the time a line is written."""
    return datetime.now(UTC)
