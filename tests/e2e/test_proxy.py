"""What stands in front in production: the shipped nginx configuration before a whole stack."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.client import Client, Event
from gateway.config import GatewayConfig
from gateway.problems import KINDS
from tests.e2e.conftest import DEMO, ROOT, Stack, ended, free_port, new_stack
from tests.e2e.nginx_process import running_nginx

SHIPPED = ROOT / "deploy" / "nginx" / "truthtok.conf"
HEADER_SECONDS = 1.0
BAD_CHUNK = (
    b"POST /api/v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\nX-Request-Id: bad-chunk\r\n\r\nZZZ\r\n{}\r\n0\r\n\r\n"
)


@dataclass
class ProxiedStack(Stack):
    """A stack that hands out the proxy's address as its own."""

    public_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.environment |= {
            "TRUTHTOK_API_URL": self.api,
            "TRUTHTOK_MEDIA_URL": self.media,
            "TRUTHTOK_BEHIND_PROXY": "1",
        }

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.public_port}"

    @property
    def media(self) -> str:
        return self.api


@dataclass(frozen=True)
class Answer:
    """What came back over a plain socket until the other side closed or was silent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json", self
        told: dict[str, Any] = json.loads(self.body)
        assert set(told) == {"type", "title", "status", "detail", "code", "request_id"}
        assert told["type"] == f"urn:truthtok:problem:{told['code']}"
        assert told["status"] == self.status
        assert told["request_id"] == self.headers["x-request-id"]
        return told


@pytest.fixture(scope="module")
def front(nginx: str, server_binaries: None) -> Iterator[ProxiedStack]:
    """A stack of this file's own, with the proxy in front."""
    for bare in new_stack():
        stack = ProxiedStack(bare.data)
        try:
            stack.start()
            with running_nginx(nginx, partial(for_this_place, SHIPPED.read_text(), stack)):
                yield stack
        finally:
            stack.stop()


@pytest.fixture
async def serving(front: ProxiedStack) -> ProxiedStack:
    """The stack once its API answers: another test may just have ended that process."""
    await api_pid(front)
    return front


@pytest.fixture
def through(serving: ProxiedStack, http: httpx2.AsyncClient) -> Client:
    return serving.client(http)


def for_this_place(shipped: str, stack: ProxiedStack, directory: str) -> str:
    """Return the shipped configuration with other addresses, log paths and shorter patience."""
    for there, here in {
        "listen 80 default_server;": f"listen 127.0.0.1:{stack.public_port} default_server;",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{stack.port};",
        "server 127.0.0.1:8001;": f"server 127.0.0.1:{stack.media_port};",
        "/var/log/nginx/": f"{directory}/",
        "client_header_timeout 10s;": f"client_header_timeout {HEADER_SECONDS:.0f}s;",
        "client_body_timeout 10s;": f"client_body_timeout {HEADER_SECONDS:.0f}s;",
    }.items():
        assert there in shipped, f"the shipped configuration says no longer {there}"
        shipped = shipped.replace(there, here)
    return shipped


async def until(condition: Any, seconds: float = 20.0) -> Any:
    """Return what a condition returns once that is something."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):
            await asyncio.sleep(0.05)
        return found


async def api_pid(stack: ProxiedStack) -> int:
    """Return the pid of the API once it answers through the proxy."""

    async def alive() -> bool:
        with suppress(OSError):
            return (await ask(stack.public_port, get("/ready"))).status == 200
        return False

    await until(alive)
    return stack.pids()["api"]


def get(path: str, method: str = "GET", *headers: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode()


async def listens(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


async def ask(port: int, *parts: bytes, seconds: float = 5.0, source: str = "127.0.0.1") -> Answer:
    """Send bytes as they are and return the answer. Raises EOFError when the connection just closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        with suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        async with asyncio.timeout(seconds):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            lines = (line.partition(": ") for line in head[1:])
            headers = {name.lower(): value for name, _, value in lines}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split()[1]), headers, body)
    finally:
        writer.close()


async def test_a_bad_chunk_size_ends_the_bare_api_which_is_started_again(serving: ProxiedStack) -> None:
    before = serving.pids()["api"]
    with pytest.raises((EOFError, OSError)):
        await ask(serving.port, BAD_CHUNK)

    async def started_again() -> bool:
        return serving.pids().get("api", before) != before

    await until(started_again)
    assert await api_pid(serving) != before


async def test_the_proxy_refuses_a_bad_chunk_size_and_the_api_lives_on(serving: ProxiedStack) -> None:
    before = serving.pids()["api"]
    for path in (b"/api/v1/videos", b"/health", b"/api/v1/videos/x/events", b"/nowhere", b"/metrics"):
        answer = await ask(serving.public_port, BAD_CHUNK.replace(b"/api/v1/videos", path))
        assert (answer.status, answer.problem["code"]) == (400, "malformed_request"), path
        assert answer.problem["request_id"] == "bad-chunk"
    assert (await ask(serving.port, get("/health"))).status == 200
    assert await api_pid(serving) == before


async def test_a_well_formed_chunked_body_reaches_the_api(serving: ProxiedStack) -> None:
    known = f"Host: localhost\r\nAuthorization: Bearer {serving.sign_up()}".encode()
    body = BAD_CHUNK.replace(b"ZZZ\r\n{}", b"2\r\n{}").replace(b"Host: localhost", known)
    assert (await ask(serving.public_port, body)).status == 422


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_body_over_the_limit_is_refused(serving: ProxiedStack, framing: str) -> None:
    size = GatewayConfig.__struct_defaults__[
        GatewayConfig.__struct_fields__.index("max_body_bytes") - len(GatewayConfig.__struct_fields__)
    ]
    sent = bytes(size + 1)
    chunk = f"{len(sent):x}\r\n".encode() + sent + b"\r\n0\r\n\r\n"
    header, body = {
        "length": (f"Content-Length: {len(sent)}", sent),
        "chunks": ("Transfer-Encoding: chunked", chunk),
    }[framing]
    answer = await ask(serving.public_port, get("/api/v1/videos", "POST", header), body)
    assert (answer.status, answer.problem["code"]) == (413, "too_large")


@pytest.mark.parametrize("begun", [b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"GET /hea", b""])
async def test_who_is_slow_with_the_headers_is_cut_off(serving: ProxiedStack, begun: bytes) -> None:
    at = time.monotonic()
    with pytest.raises((EOFError, OSError)):
        await ask(serving.public_port, begun, seconds=10 * HEADER_SECONDS)
    assert time.monotonic() - at < 5 * HEADER_SECONDS


async def test_who_is_slow_with_the_body_is_cut_off_and_the_api_hears_nothing(serving: ProxiedStack) -> None:
    slow = get("/slow", "POST", "Content-Type: application/json", "Content-Length: 9")
    with pytest.raises((EOFError, OSError)):
        await ask(serving.public_port, slow, b"{", seconds=10 * HEADER_SECONDS)
    assert '"path":"/slow"' not in serving.log("api")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "BREW"])
@pytest.mark.parametrize("path", ["/api/v1/videos", "/uploads", "/media/x"])
async def test_a_method_that_nobody_offers_is_refused(serving: ProxiedStack, method: str, path: str) -> None:
    answer = await ask(serving.public_port, get(path, method))
    assert (answer.status, answer.problem["code"]) == (405, "method_not_allowed")
    assert "PATCH" in answer.headers["allow"]


async def test_nobody_connects_through_the_proxy(serving: ProxiedStack) -> None:
    answer = await ask(serving.public_port, get("localhost:22", "CONNECT"))
    # nginx 1.22 cannot read this form of URL, newer ones name the method.
    assert (answer.status, answer.problem["code"]) in (
        (400, "malformed_request"),
        (405, "method_not_allowed"),
    )


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Type: multipart/form-data; boundary=x",),
        ("Content-Type: Multipart/mixed",),
        ("content-type:multipart/form-data",),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/videos", "/api/v1/videos/x/events", "/metrics"])
async def test_multipart_is_refused(serving: ProxiedStack, headers: tuple[str, ...], path: str) -> None:
    answer = await ask(serving.public_port, get(path, "POST", *headers, "Content-Length: 3"), b"--x")
    assert (answer.status, answer.problem["code"]) == (415, "unsupported_media_type")


async def test_of_two_content_types_the_api_hears_none_that_the_proxy_did_not(serving: ProxiedStack) -> None:
    known = f"Authorization: Bearer {serving.sign_up()}"
    two = (known, "Content-Type: application/json", "Content-Type: multipart/form-data; boundary=x")
    answer = await ask(serving.public_port, get("/api/v1/videos", "POST", *two, "Content-Length: 3"), b"--x")
    # nginx before 1.23 takes the first one, newer ones see both.
    assert answer.problem["code"] in ("malformed_json", "unsupported_media_type")


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        (b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "malformed_request"),
        (b"nonsense\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "malformed_request",
        ),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "malformed_request"),
        (b"GET /.problem HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431, "headers_too_large"),
    ],
    ids=["percent", "nonsense", "no host", "two lengths", "transfer encoding", "inside", "url", "headers"],
)
async def test_what_the_proxy_refuses_itself_it_refuses_as_the_api_would(
    serving: ProxiedStack, request_line: bytes, status: int, code: str
) -> None:
    answer = await ask(serving.public_port, request_line)
    assert (answer.status, answer.problem["code"]) == (status, code)
    assert answer.problem["title"] == KINDS[code].title
    assert re.fullmatch("[0-9a-f]{32}", answer.problem["request_id"])


async def test_the_words_of_the_proxy_are_those_of_the_problem_table() -> None:
    told = [
        dict(re.findall(r'^ +(\d+) +"?(.*?)"?;$', block, re.MULTILINE))
        for block in re.findall(
            r"map \$status \$truthtok_(?:code|title) \{(.*?)\n\}", SHIPPED.read_text(), re.DOTALL
        )
    ]
    codes, titles = told
    assert set(codes) == set(titles)
    known = {status: code for status, code in codes.items() if code in KINDS}
    assert {*codes} == {*known}
    assert {status: KINDS[code] for status, code in known.items()} == {
        status: (int(status), titles[status]) for status in known
    }


async def test_too_many_requests_at_a_time_are_told_when_to_come_again(serving: ProxiedStack) -> None:
    # From another address of this machine: the limits count by address, and the other tests go on.
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", serving.public_port, local_addr=("127.0.0.2", 0)
    )
    ask_for = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    writer.write(ask_for * 400 + get("/health"))
    async with asyncio.timeout(20):
        answers = await reader.read(-1)
    writer.close()
    assert answers.count(b"HTTP/1.1 200 OK") >= 100
    refused = answers[answers.index(b"HTTP/1.1 429") :]
    assert b'"code":"too_many_requests"' in refused
    assert b"Retry-After: 2\r\n" in refused


async def test_too_many_requests_side_by_side_are_told_the_same(serving: ProxiedStack) -> None:
    waiting = get("/media/x", "GET", "Content-Length: 9")
    asked = (ask(serving.public_port, waiting, b"{", source="127.0.0.3") for _ in range(130))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Answer)]
    assert {answer.problem["code"] for answer in refused} == {"too_many_requests"}
    assert len(refused) >= 30


async def test_while_the_api_is_away_the_proxy_says_when_to_come_again(serving: ProxiedStack) -> None:
    serving.kill("api")

    async def refused() -> Answer | None:
        answer = await ask(serving.public_port, get("/health"))
        return answer if answer.status != 200 else None

    answer = await until(refused)
    assert (answer.status, answer.problem["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "2"


async def test_the_api_hears_of_a_client_only_what_the_proxy_says(nginx: str, tmp_path: Path) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.readuntil(b"}"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        stack = ProxiedStack(tmp_path, port=server.sockets[0].getsockname()[1])
        with running_nginx(nginx, partial(for_this_place, SHIPPED.read_text(), stack)):
            await until(lambda: listens(stack.public_port))
            said = (
                *("Transfer-Encoding: chunked", "Content-Type: application/json", "X-Request-Id: me.1"),
                *("X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: gopher", "X-Forwarded-Host: evil"),
                *("X-Real-IP: 10.0.0.1", "Forwarded: for=10.0.0.1", "X_Forwarded_For: 10.0.0.1"),
                *("Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "TE: trailers", "Trailer: X-Late"),
                *("Keep-Alive: 99", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eA=="),
                *("Expect: 200-fine", "Idempotency-Key: once"),
            )
            _, writer = await asyncio.open_connection("127.0.0.1", stack.public_port)
            writer.write(get("/a%2fb?c=%zz", "POST", *said) + b"1\r\n{\r\n")
            # One worker serves in turn: once it answers this, it has read that.
            assert (await ask(stack.public_port, get("/.problem"))).status == 404
            writer.write(b"1\r\n}\r\n0\r\n\r\n")
            request_line, *lines = (await asyncio.wait_for(heard.get(), 5)).decode().split("\r\n")
            writer.close()
    assert request_line == "POST /a%2fb?c=%zz HTTP/1.1"
    assert sorted(lines) == sorted(
        (
            *("Host: localhost", "X-Request-Id: me.1", "X-Forwarded-For: 127.0.0.1"),
            *("X-Forwarded-Proto: http", "Content-Type: application/json", "Content-Length: 2"),
            *("Idempotency-Key: once", "", "{}"),
        )
    )


async def test_an_old_probe_that_names_no_host_is_answered(serving: ProxiedStack) -> None:
    assert (await ask(serving.public_port, b"GET /ready HTTP/1.0\r\n\r\n")).status == 200


@pytest.mark.parametrize(
    "header", ["X-Request-Id: of-my-own.1", "X-Forwarded-For: 127.0.0.1", "Upgrade: websocket"]
)
async def test_who_comes_through_the_proxy_is_no_neighbour(serving: ProxiedStack, header: str) -> None:
    answer = await ask(serving.public_port, get("/health/deep", "GET", header))
    assert (answer.status, json.loads(answer.body)["code"]) == (403, "forbidden")
    assert ("of-my-own" in header) == (answer.headers["x-request-id"] == "of-my-own.1")


async def test_a_clip_goes_the_whole_way_through_the_proxy_and_events_come_as_they_happen(
    through: Client, serving: ProxiedStack, http: httpx2.AsyncClient
) -> None:
    video_id, url = await through.create(DEMO, "Through", None)
    assert url.startswith(f"{serving.api}/uploads/")
    told: asyncio.Queue[Event] = asyncio.Queue()

    async def listen() -> None:
        async for event in through.events(video_id):
            told.put_nowait(event)

    async def hear(name: str) -> Event:
        async with asyncio.timeout(20):
            while (event := await told.get()).name != name:
                pass
            return event

    listening = asyncio.create_task(listen())
    try:
        # Nothing has happened and the stream stays open: a proxy that collects would still be silent.
        assert (await hear("video")).data["status"] == "waiting"
        await through.upload(url, DEMO, lambda _: None)
        for name in ("video.uploaded", "video.probed", "video.thumbnailed", "video.ready"):
            await hear(name)
    finally:
        listening.cancel()
    playback = await through.playback(video_id)
    data = DEMO.read_bytes()
    part = await http.get(playback["original"], headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, data[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(data)}"
    assert (await http.get(playback["original"])).content == data
    assert (
        await http.get(playback["original"], headers={"If-None-Match": part.headers["etag"]})
    ).status_code == 304
    assert (await http.get(playback["original"], headers={"Range": f"bytes={len(data)}-"})).status_code == 416
    assert (await http.get(playback["poster"])).headers["content-type"] == "image/jpeg"


async def test_an_upload_that_breaks_off_keeps_what_it_brought_through_the_proxy(
    through: Client, http: httpx2.AsyncClient, serving: ProxiedStack
) -> None:
    video_id, url = await through.create(DEMO, "Broken off", None)
    data = DEMO.read_bytes()
    half = len(data) // 2
    begun = get(
        httpx2.URL(url).path,
        "PATCH",
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        "Content-Type: application/offset+octet-stream",
        f"Content-Length: {len(data)}",
    )
    _, writer = await asyncio.open_connection("127.0.0.1", serving.public_port)
    writer.write(begun + data[:half])
    await writer.drain()
    writer.close()

    async def stands() -> int:
        return int((await http.head(url, headers={"Tus-Resumable": "1.0.0"})).headers["upload-offset"])

    assert 0 < await until(stands) <= half
    offsets: list[int] = []
    await through.upload(url, DEMO, offsets.append)
    assert offsets[0] > 0
    assert (await ended(through, video_id))["status"] == "ready"


async def test_a_piece_of_an_upload_may_be_larger_than_any_json(
    serving: ProxiedStack, http: httpx2.AsyncClient, through: Client, tmp_path: Path
) -> None:
    clip = tmp_path / "large.mp4"
    clip.write_bytes(DEMO.read_bytes() + (2**25).to_bytes(4, "big") + b"free" + bytes(2**25 - 8))
    video_id, url = await through.create(clip, "Large", None)
    await through.upload(url, clip, lambda _: None)
    video = await ended(through, video_id)
    assert (video["status"], video["metadata"]["size"]) == ("ready", clip.stat().st_size)
