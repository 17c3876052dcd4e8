"""When a clip was recorded, from its container's tags."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

_KEYS = ("com.apple.quicktime.creationdate", "creation_time", "date_recorded", "date")
# Epoch zeros (1904 in QuickTime, 1970 in Unix) and other unset clocks lie before any digital clip.
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(days=1)


def find_recording_time(tags: Mapping[str, str], now: datetime) -> datetime | None:
    """The first believable time in the tags, in UTC. `now` must be aware; the future is not believed."""
    lowered = {key.lower(): value for key, value in tags.items()}
    times = (parse_time(lowered[key]) for key in _KEYS if key in lowered)
    return next((time for time in times if time and _EARLIEST <= time <= now + _CLOCK_SKEW), None)


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 date and time as UTC; without an offset it is taken as UTC, and a bare year is nothing."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
