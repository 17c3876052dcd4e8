"""HEAD, OPTIONS, 405 and 404 follow from the route table; every answer carries the house's headers."""

import json
import logging
import re

import pytest

from gateway.problems import KINDS
from gateway.routes.table import ROUTES

PATHS = sorted({route.path for route in ROUTES})
UNKNOWN = "01990000-0000-7000-8000-00000000ffff"
LATER = [
    "/api/v1/tags",
    "/api/v1/search",
    "/api/v1/clusters",
    f"/api/v1/videos/{UNKNOWN}/captions",
]


def concrete(path):
    return re.sub(r"\{\w+_id\}", UNKNOWN, path).replace("{sequence}", "1")


@pytest.mark.parametrize("path", PATHS)
async def test_options_tells_what_a_path_offers(house, path):
    offered = {route.method for route in ROUTES if route.path == path} | {"OPTIONS"}
    offered |= {"HEAD"} if "GET" in offered else set()
    told = await house.ask("OPTIONS", concrete(path))
    assert told.status == 204
    assert set(told.headers["Allow"].split(", ")) == offered


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PROPFIND"])
async def test_another_method_is_405_with_allow(house, path, method):
    told = await house.ask(method, concrete(path))
    assert (told.status, told.json["code"]) == (405, "method_not_allowed")
    assert "OPTIONS" in told.headers["Allow"]


@pytest.mark.parametrize("path", ["/", "/nonsense", "/api", "/api/v1", "/api/v1/videos/x/y/z", *LATER])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_where_nothing_lies_is_404(house, path, method):
    told = await house.ask(method, path)
    assert (told.status, told.json["code"]) == (404, "not_found")


async def test_head_answers_as_get_does(house):
    await house.announce()
    get, head = await house.ask("GET", "/api/v1/videos"), await house.ask("HEAD", "/api/v1/videos")
    assert (head.status, head.body) == (get.status, get.body)


async def test_a_trailing_slash_is_the_same_path(house):
    assert (await house.ask("GET", "/health/")).status == 200


@pytest.mark.parametrize("given", ["abc-1._X", "a" * 128])
async def test_a_harmless_request_id_is_kept(house, given):
    told = await house.ask("GET", "/nonsense", headers={"X-Request-Id": given})
    assert told.headers["X-Request-Id"] == told.json["request_id"] == given


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", "a\nb", "é", '"'])
async def test_another_request_id_is_replaced(house, given):
    told = await house.ask("GET", "/health", headers={"X-Request-Id": given})
    assert told.headers["X-Request-Id"] != given
    assert len(told.headers["X-Request-Id"]) == 32


@pytest.mark.parametrize("path", ["/health", "/nonsense", "/api/v1/videos?x=1"])
async def test_every_answer_carries_security_headers(house, path):
    told = await house.ask("GET", path)
    assert told.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in told.headers["Content-Security-Policy"]
    assert "Cache-Control" in told.headers


async def test_a_request_is_logged_once_as_json_without_its_query(house, caplog):
    with caplog.at_level(logging.INFO, "truthtok.access"):
        await house.ask("GET", "/api/v1/videos?q=private", headers={"X-Request-Id": "r-1"})
    (line,) = [json.loads(record.message) for record in caplog.records]
    assert (line["route"], line["status"], line["request_id"]) == ("/api/v1/videos", 200, "r-1")
    assert "private" not in str(line)


async def test_a_mistake_of_ours_is_logged_with_the_request_id_and_told_without(new_house, caplog):
    class Broken:
        async def page(self, *_: object) -> None:
            raise RuntimeError("the insides")

    told = await new_house(videos=Broken()).ask("GET", "/api/v1/videos", headers={"X-Request-Id": "r-2"})
    assert (told.status, told.json["code"]) == (500, "internal")
    assert b"insides" not in told.body
    assert any("r-2" in record.getMessage() and record.exc_info for record in caplog.records)


async def test_a_request_that_takes_too_long_is_504(new_house):
    class Hanging:
        async def page(self, *_: object) -> None:
            raise TimeoutError

    told = await new_house(videos=Hanging()).ask("GET", "/api/v1/videos")
    assert (told.status, told.json["code"]) == (504, "timeout")


def test_every_problem_a_route_declares_is_in_the_table():
    assert {code for route in ROUTES for code in route.problems} <= set(KINDS)
