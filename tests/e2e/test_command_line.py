"""The commands as a new user meets them."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import psutil
import pytest

from deploy.client import Client
from deploy.keyring import new_seed
from deploy.ports import open_ports, reachable
from deploy.processes import DurableQueues, gateway_ports
from deploy.provisioning import all_durables, apply_nats
from deploy.settings import read_settings
from gateway.ports import Queue
from gateway.relay import Relay
from subjects.jetstream import connect
from subjects.queues import ask_admin
from tests.conftest import ServerUrls
from tests.e2e.conftest import DEMO, KEYS, ROOT, Stack, ended, new_keys, upload


def truthtok(
    *arguments: str, cwd: Path = ROOT, timeout: float = 90, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip


def assert_one_line(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("truthtok: "), done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def descendants_of(data: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(data) in line and "pytest" not in line:
            found.append(line)
    return found


def test_the_demo_shows_what_was_learned_and_leaves_no_process(server_binaries: None, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="truthtok-test-") as temporary:
        Path(temporary).chmod(0o755)
        done = subprocess.run(
            [Path(sys.executable).with_name("truthtok"), "demo"],
            cwd=tmp_path, env={**os.environ, "TMPDIR": temporary},
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "ready" in done.stdout
        assert "540 x 960" in done.stdout
        assert list((tmp_path / ".truthtok" / "demo").glob("*-poster.jpg"))
        assert processes_that_name(temporary) == []
        assert os.listdir(temporary) == []  # noqa: PTH208 - it is to be empty


def processes_that_name(text: str) -> list[list[str]]:
    """Return the commands of living processes that have a text in their command line or environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # gone, or a zombie, while we look
            if text in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(process.cmdline())
    return found


def test_the_demo_keeps_to_itself_in_an_environment_set_up_for_production(
    server_binaries: None, tmp_path: Path
) -> None:
    elsewhere = "http://127.0.0.1:9"
    done = truthtok(
        "demo", cwd=tmp_path, PYTHONPATH=str(ROOT),
        TRUTHTOK_API_URL=elsewhere, TRUTHTOK_MEDIA_URL=elsewhere, TRUTHTOK_HOST="192.0.2.1",
        TRUTHTOK_OBJECTS=str(tmp_path / "objects"), TRUTHTOK_NATS_REPLICAS="3",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert elsewhere not in done.stdout
    assert not (tmp_path / "objects").exists()


class StackElsewhere(Stack):
    """A stack that listens on another address of the loopback."""

    @property
    def api(self) -> str:
        return f"http://127.0.0.2:{self.port}"

    @property
    def media(self) -> str:
        return f"http://127.0.0.2:{self.media_port}"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.1 is all there is of loopback")
def test_a_stack_serves_on_another_address(own_stack: Stack) -> None:
    stack = StackElsewhere(own_stack.data, environment={"TRUTHTOK_HOST": "127.0.0.2"})
    try:
        stack.start()
        assert httpx2.get(f"{stack.api}/ready").status_code == 200
    finally:
        stack.stop()


@pytest.mark.parametrize(
    ("host", "proxied", "said"),
    [
        ("0.0.0.0", "0", "TRUTHTOK_BEHIND_PROXY=1"),
        ("192.0.2.1", "1", "TRUTHTOK_HOST=192.0.2.1 cannot be listened on"),
    ],
)
def test_a_stack_says_why_it_does_not_serve_on_an_address(
    host: str, proxied: str, said: str, tmp_path: Path
) -> None:
    environment = {"TRUTHTOK_HOST": host, "TRUTHTOK_BEHIND_PROXY": proxied}
    assert_one_line(truthtok("up", "--data", str(tmp_path), **environment), said)


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
        "users",
        "keys",
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
    service = ("--api", stack.api, "--data", str(stack.data))
    done = truthtok("upload", *service, "--lat", "1.5", "--lng", "2.5", str(DEMO))
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
    stack: Stack, client: Client, http: httpx2.AsyncClient
) -> None:
    intent = {"title": "x", "upload": {"size_bytes": 1, "content_type": "video/mp4"}}
    headers = {"X-Request-Id": "told-by-the-test"}
    credentials = client.credentials
    made = await http.post(f"{stack.api}/api/v1/videos", json=intent, headers={**headers, **credentials})
    url = made.json()["upload"]["url"]
    assert (await http.head(url, headers={"Tus-Resumable": "1.0.0", **headers})).status_code == 200
    for name, status in (("api", 201), ("media", 200)):
        [line] = [one for one in logged(stack, name) if one.get("request_id") == "told-by-the-test"]
        assert line["status"] == status
        assert url.rpartition(".")[2] not in stack.log(name)
        assert client.token not in stack.log(name)


def test_upload_to_nobody_is_one_line() -> None:
    done = truthtok("upload", "--api", "http://127.0.0.1:9", str(DEMO))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "does not answer" in done.stderr


@contextmanager
def gone_uploads() -> Iterator[str]:
    """The API of a service whose uploads all have expired by the time a client comes to them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/api/v1/videos/"):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b": hello\n\n")
            else:
                self._answer(410, b'{"title":"Gone","detail":"This upload has expired."}')

        def do_HEAD(self) -> None:
            self._answer(410, b"")

        def do_POST(self) -> None:
            url = f"http://127.0.0.1:{server.server_port}/uploads/1"
            self._answer(201, json.dumps({"video": {"id": "1"}, "upload": {"url": url}}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_upload_that_is_gone_is_one_line() -> None:
    with gone_uploads() as api:
        assert_one_line(truthtok("upload", "--api", api, str(DEMO)), "410")


UNREACHED = {
    "DATABASE_URL": "postgresql://u:hush@127.0.0.1:9/x",
    "REDIS_URL": "redis://127.0.0.1:9",
    "NATS_URL": "nats://127.0.0.1:9",
    **new_keys(),
}


@pytest.mark.parametrize(
    ("command", "variable", "value"),
    [
        ("gateway", "TRUTHTOK_SIGNING_KEY", "abcd"),
        ("media", "TRUTHTOK_SIGNING_KEY", "abcd"),
        *((command, name, "") for command in ("gateway", "media") for name in KEYS),
        ("users list", "TRUTHTOK_MASTER_KEYS", "abcd"),
        ("users list", "DATABASE_URL", "u:hush@db/x"),
        ("keys rewrap", "TRUTHTOK_MASTER_KEYS", ""),
        ("gateway", "DATABASE_URL", "u:hush@db/x"),
        ("media", "REDIS_URL", "cache"),
        ("media", "REDIS_URL", "redis://127.0.0.1:9?socket_timeout=abc"),
        ("actor prober", "NATS_URL", "nats://a:b:c"),
        ("migrate", "DATABASE_URL", "postgresql://u:hush@127.0.0.1:9/x?sslmode=none"),
        ("nats apply", "NATS_URL", "host"),
        ("queues", "TRUTHTOK_NATS_SEED", "SUhush"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line_that_names_it(
    command: str, variable: str, value: str, tmp_path: Path
) -> None:
    objects = {"TRUTHTOK_OBJECTS": str(tmp_path)}
    done = truthtok(*command.split(), **{**UNREACHED, **objects, variable: value})
    assert_one_line(done, variable)
    assert "hush" not in done.stderr


def test_several_actors_do_not_share_the_key_of_one(tmp_path: Path) -> None:
    environment = {**UNREACHED, "TRUTHTOK_OBJECTS": str(tmp_path), "TRUTHTOK_NATS_SEED": new_seed()}
    done = truthtok("actor", "prober", "uploader", **environment)
    assert_one_line(done, "run each actor in a process of its own")
    assert "TRUTHTOK_NATS_SEED" in truthtok("actor", "--help").stdout


def test_an_actor_that_is_none_is_one_line() -> None:
    assert_one_line(truthtok("actor", "nobody", **UNREACHED), "there is no actor 'nobody'")


def test_the_doctor_names_every_setting_that_cannot_be(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": "db", "REDIS_URL": "redis://h:x", "NATS_URL": "nats://"}
    done = truthtok("doctor", **{**UNREACHED, **settings, "TRUTHTOK_OBJECTS": str(tmp_path)})
    assert (done.returncode, done.stderr) == (1, "")
    for name in settings:
        assert f"WRONG {name} " in done.stdout


def test_the_doctor_looks_at_every_key(tmp_path: Path) -> None:
    keys = {"TRUTHTOK_SIGNING_KEY": "ab" * 32, "TRUTHTOK_MASTER_KEYS": "abcd", "TRUTHTOK_TOKEN_KEYS": ""}
    done = truthtok("doctor", **{**UNREACHED, **keys, "TRUTHTOK_OBJECTS": str(tmp_path)})
    assert (done.returncode, done.stderr) == (1, "")
    assert "WRONG a key of TRUTHTOK_SIGNING_KEY can be guessed" in done.stdout
    assert done.stdout.count("WRONG TRUTHTOK_MASTER_KEYS must have at least 64 hex digits") == 1
    assert "WRONG TRUTHTOK_TOKEN_KEYS is not set" in done.stdout


@pytest.fixture
def distributed(servers: ServerUrls, nats_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a distributed service whose servers nobody has prepared."""
    return {
        "DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url, "NATS_URL": nats_url,
        "TRUTHTOK_OBJECTS": str(tmp_path), **new_keys(),
    }  # fmt: skip


def test_the_doctor_says_which_commands_prepare_the_servers(distributed: dict[str, str]) -> None:
    done = truthtok("doctor", **distributed)
    assert done.returncode == 1, done.stdout
    assert "WRONG migrations: 0001_users.sql, " in done.stdout
    assert "missing: run `truthtok migrate`" in done.stdout
    [streams] = [line for line in done.stdout.splitlines() if line.startswith("WRONG streams: ")]
    assert "EVENTS" in streams
    assert "missing: run `truthtok nats apply`" in streams


async def test_the_doctor_misses_a_durable(distributed: dict[str, str], database_url: str) -> None:
    environment = {**distributed, "DATABASE_URL": database_url}
    assert truthtok("nats", "apply", **environment).returncode == 0
    done = truthtok("doctor", **environment)
    assert done.returncode == 0, done.stdout
    async with connect(environment["NATS_URL"], name="admin") as bus:
        await ask_admin(bus.wire, "CONSUMER.DELETE.EVENTS.prober-normal")
    done = truthtok("doctor", **environment)
    assert done.returncode == 1
    assert "WRONG durables: EVENTS.prober-normal missing: run `truthtok nats apply`" in done.stdout


async def test_durables_that_nobody_declares_are_named_and_deleted_on_request(
    distributed: dict[str, str],
) -> None:
    await apply_nats(read_settings(distributed))
    async with connect(distributed["NATS_URL"], name="admin") as bus:
        config = {"durable_name": "former-normal", "ack_policy": "explicit"}
        request = {"stream_name": "EVENTS", "config": config}
        await ask_admin(bus.wire, "CONSUMER.DURABLE.CREATE.EVENTS.former-normal", request)
    named = truthtok("nats", "apply", **distributed).stdout
    assert "EVENTS.former-normal is declared by nobody (--delete-undeclared)" in named
    deleted = truthtok("nats", "apply", "--delete-undeclared", **distributed).stdout
    assert "deleted EVENTS.former-normal" in deleted
    assert "former" not in truthtok("nats", "apply", **distributed).stdout


async def test_the_backlog_of_every_durable_is_listed(distributed: dict[str, str]) -> None:
    await apply_nats(read_settings(distributed))
    async with connect(distributed["NATS_URL"], name="gateway") as bus:
        listed = await DurableQueues(bus).list_queues()
    assert {f"{one.stream}.{name_of(one)}" for one in listed} == {
        f"{one.stream}.{one.name}" for one in all_durables()
    }
    [undertaker] = [one for one in listed if one.actor == "undertaker"]
    assert (undertaker.priority, undertaker.stream) == ("", "ADVISORIES")


def name_of(queue: Queue) -> str:
    return f"{queue.actor}-{queue.priority}" if queue.priority else queue.actor


async def test_no_process_is_ready_before_migrations_and_streams(
    distributed: dict[str, str], database_url: str
) -> None:
    settings = read_settings(distributed)
    async with open_ports(settings, "media") as has:
        found = await reachable(has)
        assert found["postgres"] == found["nats"] == ""
        assert "run `truthtok migrate`" in found["migrations"]
        assert "run `truthtok nats apply`" in found["streams"]
        behind = gateway_ports(has, Relay(has.storage.outbox, has.bus), settings).dependencies
        assert {"migrations", "streams"} <= {one.name for one in behind}
    environment = {**distributed, "DATABASE_URL": database_url}
    await apply_nats(read_settings(environment))
    async with open_ports(read_settings(environment), "media") as has:
        assert not any((await reachable(has)).values())


@pytest.mark.parametrize("command", ["media", "actor expirer"])
def test_a_busy_port_is_one_line(command: str, distributed: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = {"TRUTHTOK_MEDIA_PORT": port, "TRUTHTOK_OPS_PORT": port}
        done = truthtok(*command.split(), **{**distributed, **ports})
    assert done.returncode == 1
    [last] = [line for line in done.stderr.splitlines() if line.startswith("truthtok: ")]
    assert f"cannot listen on 127.0.0.1:{port}" in last
    assert "Traceback" not in done.stderr


def test_a_second_stack_on_the_same_data_is_refused_in_one_line(stack: Stack) -> None:
    done = truthtok("up", "--data", str(stack.data))
    assert done.returncode == 1
    assert done.stderr.startswith("truthtok: another stack (pid ")


def test_data_survives_a_restart(own_stack: Stack) -> None:
    own_stack.start()
    service = ("--api", own_stack.api, "--data", str(own_stack.data))
    assert truthtok("upload", *service, "--title", "Kept", str(DEMO)).returncode == 0
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


def test_an_operator_sees_the_queues_and_the_dead_letters_of_a_running_stack(stack: Stack) -> None:
    queues = truthtok("queues", "--data", str(stack.data))
    assert queues.returncode == 0, queues.stderr
    assert "prober-normal" in queues.stdout
    letters = truthtok("dead-letters", "list", "--data", str(stack.data))
    assert letters.returncode == 0, letters.stderr
    none = truthtok("dead-letters", "replay", "999999", "--data", str(stack.data))
    assert (none.returncode, none.stderr) == (1, "truthtok: there is no dead letter 999999\n")


def test_queues_of_nobody_are_one_line(tmp_path: Path) -> None:
    done = truthtok("queues", "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == f"truthtok: set NATS_URL, or run `truthtok up` first: no stack runs on {tmp_path}\n"
