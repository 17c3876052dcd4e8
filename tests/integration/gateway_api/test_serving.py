"""The API over a real socket: what only the transport can break."""

import json
import signal
import socket

import pytest

EVENT_END = b"\n\n"


def finish(served):
    """The exit code and what was printed since it was ready."""
    printed, errors = served.process.communicate(timeout=15)
    return served.process.returncode, printed, errors


def test_a_video_is_announced_listed_and_read(served):
    path = served.announce("Rain")
    status, headers, body = served.ask("GET", path)
    assert (status, headers["content-type"], json.loads(body)["title"]) == (200, "application/json", "Rain")
    assert served.ask("GET", path, None, f"If-None-Match: {headers['etag']}")[0] == 304
    assert served.ask("DELETE", path, None, served.sign_in())[0] == 204
    assert served.ask("GET", path)[0] == 404


def test_queries_come_through_percent_decoded_and_repeated_ones_are_seen(served):
    served.announce("Rain on the qüay")
    _, _, body = served.ask("GET", "/api/v1/videos?q=q%C3%BCay+rain&limit=1")
    assert len(json.loads(body)["data"]) == 1
    status, _, body = served.ask("GET", "/api/v1/videos?limit=1&limit=2")
    assert (status, json.loads(body)["errors"][0]["pointer"]) == (400, "/limit")


def test_head_has_the_length_of_get_and_no_body(served):
    path = served.announce("Rain")
    _, _, body = served.ask("GET", path)
    wire = served.connect()
    wire.send("HEAD", path)
    status, headers = wire.head()
    assert (status, int(headers["content-length"]), wire.rest) == (200, len(body), b"")


@pytest.mark.parametrize("method", ["PUT", "TRACE"])
def test_another_method_is_405_with_allow(served, method):
    status, headers, _ = served.ask(method, "/api/v1/videos")
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


def test_options_of_any_path_is_answered(served):
    status, headers, _ = served.ask("OPTIONS", "/api/v1/videos/01990000-0000-7000-8000-00000000ffff")
    assert (status, headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"x" * 300_000], ids=["no-utf8", "no-json", "large"])
def test_a_bad_body_is_a_problem_and_the_process_lives_on(served, body):
    wire = served.connect()
    wire.send("POST", "/api/v1/videos", body, "Content-Type: application/json", served.sign_in())
    status, headers, _ = wire.answer()
    assert status in (400, 413)
    assert headers["content-type"] == "application/problem+json"
    assert served.ask("GET", "/health")[0] == 200


def test_an_export_is_streamed_as_json_with_each_header_once(served):
    for title in ("Rain", "Sun"):
        served.announce(title)
    wire = served.connect()
    wire.send("GET", "/api/v1/me/export", b"", served.sign_in(), "Connection: close")
    lines = wire.until(b"\r\n\r\n").decode().lower().split("\r\n")[1:-2]
    names = [line.partition(":")[0] for line in lines]
    assert "content-type: application/json" in lines
    assert any("no-store" in line for line in lines if line.startswith("cache-control:"))
    assert sorted(names) == sorted(set(names)), lines
    raw = wire.to_the_end()
    told = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        told, raw = told + raw[:length], raw[length + 2 :]
    assert [video["title"] for video in json.loads(told)["videos"]] == ["Sun", "Rain"]
    assert json.loads(told)["complete"] is True


def test_headers_of_any_size_are_refused_and_the_process_lives_on(served):
    for size in (5_000, 60_000):
        status, _, _ = served.ask("GET", "/api/v1/videos", None, "Authorization: Bearer " + "x" * size)
        assert status in (400, 401, 431)
    assert served.ask("GET", "/health")[0] == 200


def test_several_requests_go_over_one_connection(served):
    wire = served.connect()
    for _ in range(3):
        wire.send("GET", "/health")
        assert wire.answer()[0] == 200


def test_sigterm_lets_running_requests_finish_closes_the_ports_and_exits_0(served):
    path = served.announce("slow")
    wires = [served.connect() for _ in range(4)]
    for wire in wires:
        wire.send("GET", path)
    knocked = served.connect()
    knocked.send("GET", "/health")
    knocked.answer()
    served.process.send_signal(signal.SIGTERM)
    assert [wire.answer()[0] for wire in wires] == [200] * 4
    code, printed, errors = finish(served)
    assert (code, printed) == (0, b"closed\n"), errors
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", served.port))


def test_an_idle_process_ends_on_sigint_as_well(served):
    served.process.send_signal(signal.SIGINT)
    assert finish(served)[:2] == (0, b"closed\n")


def test_a_stream_tells_where_the_video_stands_and_is_ended_by_a_drain(served):
    wire = served.connect()
    wire.send("GET", f"{served.announce('Rain')}/events")
    status, headers = wire.head()
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    wire.until(b"event: video\n")
    wire.until(EVENT_END)
    served.process.send_signal(signal.SIGTERM)
    assert b": reconnect to go on" in wire.to_the_end()
    assert finish(served)[0] == 0


def test_clients_that_are_gone_do_not_hold_up_a_drain(served):
    path = served.announce("Rain")
    for _ in range(20):
        wire = served.connect()
        wire.send("GET", f"{path}/events")
        wire.until(b"event: video")
        wire.connection.close()
    served.process.send_signal(signal.SIGTERM)
    code, _, errors = finish(served)
    assert (code, errors) == (0, b"")


def test_a_second_process_on_the_same_port_says_so_in_one_line(served, start):
    second = start(served.port)
    _, errors = second.communicate(timeout=15)
    assert second.returncode == 1
    assert errors.decode() == f"cannot listen on 127.0.0.1:{served.port}: Address already in use\n"


def test_an_address_that_others_reach_is_refused_in_one_line(start, a_free_port):
    process = start(a_free_port, "0.0.0.0")
    _, errors = process.communicate(timeout=15)
    assert process.returncode == 1
    assert errors.startswith(b"will not listen on 0.0.0.0: ")
    assert errors.count(b"\n") == 1


def test_ports_that_cannot_be_opened_are_one_line(start, a_free_port):
    process = start(a_free_port, "127.0.0.1", "broken")
    _, errors = process.communicate(timeout=15)
    assert (process.returncode, errors) == (1, b"the API ends: the database is not there\n")
