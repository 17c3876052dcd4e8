"""Which key `truthtok upload` sends, and to whom."""

import json
from pathlib import Path

import pytest

from deploy.demo import find_api_key
from deploy.found_stack import find_stack
from deploy.settings import Settings

API = "http://127.0.0.1:8123"
FILES = {
    "run.json": json.dumps({"ports": {"api": 8123, "nats": 1, "postgres": 2}}),
    "keys.json": json.dumps({"local_api_key": "tt_of-the-stack", "seeds": {}}),
    "postgres.password": "hush",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_given_key_goes_before_that_of_the_settings_and_that_of_the_stack(data: Path) -> None:
    settings = Settings(api_key="tt_set")
    assert find_api_key("tt_given", settings, data, API) == "tt_given"
    assert find_api_key(None, settings, data, API) == "tt_set"
    assert find_api_key(None, Settings(), data, API) == "tt_of-the-stack"


@pytest.mark.parametrize(
    "api", ["http://127.0.0.1:8123/", "http://localhost:8123", "http://[::1]:8123", "http://127.0.0.2:8123"]
)
def test_a_stack_is_known_by_its_port_on_this_machine(data: Path, api: str) -> None:
    assert find_api_key(None, Settings(), data, api) == "tt_of-the-stack"


@pytest.mark.parametrize(
    "api",
    ["http://127.0.0.1:8124", "https://video.example.org:8123", "http://192.168.0.7:8123", "http://a:b", ""],
)
def test_nobody_else_is_shown_the_key_of_a_stack(data: Path, api: str) -> None:
    assert find_api_key(None, Settings(), data, api) == ""


@pytest.mark.parametrize("missing", FILES)
def test_a_directory_on_which_no_stack_runs_has_none(data: Path, missing: str) -> None:
    (data / missing).unlink()
    assert find_stack(data) is None


def test_the_secrets_of_a_found_stack_are_not_shown(data: Path) -> None:
    found = find_stack(data)
    assert found is not None
    assert found.database_url == "postgresql://truthtok:hush@127.0.0.1:2/truthtok"
    assert "hush" not in repr(found)
    assert "tt_" not in repr(found)
