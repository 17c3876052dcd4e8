"""Conditional requests (RFC 9110, section 13): what a client has already. Pure."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from gateway.caching import is_known


def is_unchanged(headers: Mapping[str, str], etag: str, modified_at: datetime) -> bool:
    """Whether the client's copy is still good: 304. `etag` is quoted."""
    known = headers.get("if-none-match")
    if known is not None:
        return is_known(known, etag)
    since = _find_date(headers.get("if-modified-since", ""))
    return since is not None and modified_at.replace(microsecond=0) <= since


def is_range_valid(headers: Mapping[str, str], etag: str, modified_at: datetime) -> bool:
    """Whether If-Range lets a part be served: its copy is of this very object. Weak tags never fit."""
    validator = headers.get("if-range")
    if validator is None:
        return True
    if '"' in validator:
        return validator.strip() == etag
    return _find_date(validator) == modified_at.replace(microsecond=0)


def _find_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError):  # also "+99999999999999" for a zone
        return None
    return found if found.tzinfo is not None else None  # "-0000" says that the zone is unknown
