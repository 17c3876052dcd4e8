"""The commands as a new user meets them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import psutil

from deploy.client import Client
from tests.e2e.conftest import DEMO, ROOT, Stack, ended, upload


def truthtok(*arguments: str, cwd: Path = ROOT, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False)


def descendants_of(data: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(data) in line and "pytest" not in line:
            found.append(line)
    return found


def test_the_demo_shows_what_was_learned_and_leaves_no_process(server_binaries: None, tmp_path: Path) -> None:
    before = {process.pid for process in psutil.process_iter()}
    done = subprocess.run(
        [Path(sys.executable).with_name("truthtok"), "demo"],
        cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ready" in done.stdout
    assert "540 x 960" in done.stdout
    assert list((tmp_path / ".truthtok" / "demo").glob("*-poster.jpg"))
    ours = ("nats-server", "postgres", "redis-server", "deploy.cli")
    left = [
        process.cmdline()
        for process in psutil.process_iter()
        if process.pid not in before and any(name in " ".join(process.cmdline()) for name in ours)
        and "truthtok-demo-" in " ".join([*process.cmdline(), *process.environ().values()])
    ]  # fmt: skip
    assert left == []


def test_the_demo_of_a_file_that_is_not_there_is_one_line() -> None:
    done = truthtok("demo", "no/such.mp4")
    assert done.returncode == 1
    assert done.stderr == "truthtok: no/such.mp4 is not a file\n"


def test_every_command_has_help() -> None:
    for command in (
        "up",
        "demo",
        "upload",
        "gateway",
        "media",
        "actor",
        "migrate",
        "nats apply",
        "queues",
        "dead-letters",
        "doctor",
        "render",
        "settings",
    ):
        done = truthtok(*command.split(), "--help")
        assert done.returncode == 0, command
        assert "usage: truthtok" in done.stdout


def test_upload_follows_a_clip_to_its_end(stack: Stack) -> None:
    done = truthtok("upload", "--api", stack.api, "--lat", "1.5", "--lng", "2.5", str(DEMO))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1.5000, 2.5000 (by user)" in done.stdout


def logged(stack: Stack, name: str) -> list[dict[str, Any]]:
    """Every line of a process's log; each must be one JSON object."""
    return [json.loads(line) for line in stack.log(name).splitlines()]


async def test_each_message_is_one_line_in_the_log_of_its_actor(stack: Stack, client: Client) -> None:
    video_id = await upload(client, DEMO)
    await ended(client, video_id)
    [line] = [one for one in logged(stack, "prober") if one.get("video_id") == video_id]
    told = (line["actor"], line["subject"], line["attempt"], line["outcome"])
    assert told == ("prober", "video.uploaded", 1, "done")
    assert line["seconds"] > 0
    assert len(line["trace_id"]) == 32


async def test_each_request_is_one_line_and_no_line_holds_a_signature(
    stack: Stack, http: httpx2.AsyncClient
) -> None:
    intent = {"title": "x", "upload": {"size_bytes": 1, "content_type": "video/mp4"}}
    headers = {"X-Request-Id": "told-by-the-test"}
    made = await http.post(f"{stack.api}/api/v1/videos", json=intent, headers=headers)
    url = made.json()["upload"]["url"]
    assert (await http.head(url, headers={"Tus-Resumable": "1.0.0", **headers})).status_code == 200
    for name, status in (("api", 201), ("media", 200)):
        [line] = [one for one in logged(stack, name) if one.get("request_id") == "told-by-the-test"]
        assert line["status"] == status
        assert url.rpartition(".")[2] not in stack.log(name)


def test_upload_to_nobody_is_one_line() -> None:
    done = truthtok("upload", "--api", "http://127.0.0.1:9", str(DEMO))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "does not answer" in done.stderr


def test_a_second_stack_on_the_same_data_is_refused_in_one_line(stack: Stack) -> None:
    done = truthtok("up", "--data", str(stack.data))
    assert done.returncode == 1
    assert done.stderr.startswith("truthtok: another stack (pid ")


def test_data_survives_a_restart(own_stack: Stack) -> None:
    own_stack.start()
    assert truthtok("upload", "--api", own_stack.api, "--title", "Kept", str(DEMO)).returncode == 0
    assert own_stack.stop() == 0
    assert descendants_of(own_stack.data) == []
    own_stack.start()
    listed = httpx2.get(f"{own_stack.api}/api/v1/videos").text
    assert '"Kept"' in listed


def test_doctor_finds_nothing_wrong_with_a_good_set_up(tmp_path: Path, server_binaries: None) -> None:
    done = truthtok("doctor", "--data", str(tmp_path))
    assert "nats-server is installed" in done.stdout
    assert done.returncode == (1 if "WRONG" in done.stdout else 0)


def test_settings_lists_every_variable() -> None:
    done = truthtok("settings")
    assert "DATABASE_URL" in done.stdout
    assert "TRUTHTOK_MAX_UPLOAD_BYTES" in done.stdout
