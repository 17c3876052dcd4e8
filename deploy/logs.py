"""What a process writes to stderr: a server, one JSON object per line; a command for people, plain warnings.

Loggers beneath `truthtok` (the journals of the actors and gateways) write finished JSON, which passes as it
is. Every other line, with its traceback, becomes one object as well, so that a collector parses all of them.
"""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final

import msgspec

JOURNALS: Final = "truthtok"
CHATTY: Final = ("nats", "httpx2", "asyncio", "_granian", "granian", "actix_server", "robyn")
REDACTED: Final = "***"

_SECRETS: Final = re.compile(
    r"(?<=://)[^\s/@\"\\]+(?=@)"  # user and password of a URL
    r"|(?<=signature=)[\w%-]+"  # of a media URL, and of a presigned one, whatever its case
    r"|(?<=/uploads/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.)[\w-]+"
    r"|\bS[UA][A-Z2-7]{56}\b",  # the seed of an nkey
    re.IGNORECASE,
)


class JsonLine(logging.Formatter):
    """One JSON object per record, without the permissions that URLs carry."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        message = redacted(record.getMessage())
        if record.name.partition(".")[0] == JOURNALS:
            return message
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        if record.exc_info:
            entry["traceback"] = redacted(self.formatException(record.exc_info))
        return msgspec.json.encode(entry).decode()


def redacted(text: str) -> str:
    """Return a text without signatures, passwords in URLs, and seeds."""
    return _SECRETS.sub(REDACTED, text)


def log_as_server(level: str) -> None:
    """Write every record from `level` up as a line of JSON on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_as_command() -> None:
    """Write warnings as plain lines on stderr: what a command has to say, it prints."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s", force=True)
