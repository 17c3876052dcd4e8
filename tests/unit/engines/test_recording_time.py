from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip.recording_time import find_recording_time, parse_time

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_offset_is_turned_into_utc() -> None:
    tags = {"com.apple.quicktime.creationdate": "2023-05-09T12:41:46+0100"}
    assert find_recording_time(tags, NOW) == datetime(2023, 5, 9, 11, 41, 46, tzinfo=UTC)


def test_a_time_without_offset_is_utc() -> None:
    assert parse_time("2016-05-31 17:01:35") == datetime(2016, 5, 31, 17, 1, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["1904-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z", "2030-01-01T00:00:00Z", "soon", "", "2020-13-01"],
)
def test_absurd_times_are_dropped(text: str) -> None:
    assert find_recording_time({"creation_time": text}, NOW) is None


def test_an_absurd_time_does_not_hide_a_good_one() -> None:
    tags = {
        "com.apple.quicktime.creationdate": "1904-01-01T00:00:00Z",
        "creation_time": "2020-02-03T04:05:06Z",
    }
    assert find_recording_time(tags, NOW) == datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_a_clock_that_runs_hours_ahead_is_believed() -> None:
    assert find_recording_time({"creation_time": "2026-01-01T10:00:00Z"}, NOW) is not None


@given(st.text())
def test_no_text_makes_the_reader_fail(text: str) -> None:
    parse_time(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_times_beyond_the_calendar_are_nothing(text: str) -> None:
    assert parse_time(text) is None
