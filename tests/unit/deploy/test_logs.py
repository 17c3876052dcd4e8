"""What a server process writes: one JSON object per line, and no secret in any."""

import json
import logging
from typing import Any

import pytest

from deploy.logs import JsonLine, redacted
from deploy.settings import SettingsError, read_settings


def line_of(name: str, message: str, **options: Any) -> str:
    record = logging.LogRecord(name, logging.ERROR, "x.py", 1, message, (), options.get("exc_info"))
    return JsonLine().format(record)


def test_a_line_of_a_journal_is_written_as_it_is() -> None:
    assert line_of("truthtok.journal", '{"actor":"prober"}') == '{"actor":"prober"}'


def test_any_other_line_becomes_one_object() -> None:
    found = json.loads(line_of("gateway.relay", "two\nlines"))
    assert (found["level"], found["logger"], found["message"]) == ("error", "gateway.relay", "two\nlines")


def test_a_traceback_stays_in_its_line() -> None:
    try:
        int("because")
    except ValueError as error:
        line = line_of("x", "failed", exc_info=(type(error), error, error.__traceback__))
    assert line.count("\n") == 0
    assert "ValueError: invalid literal" in json.loads(line)["traceback"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("postgresql://truthtok:hush@db:5432/x", "postgresql://***@db:5432/x"),
        ("/media/1/a.jpg?expires=9&signature=abc-_9 end", "/media/1/a.jpg?expires=9&signature=*** end"),
        ("?X-Amz-Signature=0af3&x=1", "?X-Amz-Signature=***&x=1"),
        (
            '"path":"/uploads/01890a5d-ac96-774b-bcce-b302099a8057.c2ln_-X"',
            '"path":"/uploads/01890a5d-ac96-774b-bcce-b302099a8057.***"',
        ),
        ("SU" + "A" * 56, "***"),
        ('{"a":"x://","b":"y@z"}', '{"a":"x://","b":"y@z"}'),
    ],
)
def test_no_secret_is_written(text: str, written: str) -> None:
    assert redacted(text) == written


def test_a_log_level_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"TRUTHTOK_LOG_LEVEL.*debug, info, warning or error"):
        read_settings({"TRUTHTOK_LOG_LEVEL": "loud"})
