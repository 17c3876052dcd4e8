"""Whatever a client sends, it is told which field is wrong, and never 500."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UNKNOWN = "01990000-0000-7000-8000-00000000ffff"


def changed(intent, path, value):
    body = intent()
    *parents, last = path.strip("/").split("/")
    inner = body
    for parent in parents:
        inner = inner.setdefault(parent, {})
    inner[last] = value
    return body


BAD_FIELDS = [
    ("/title", 7, "/title", 422),
    ("/title", None, "/title", 422),
    ("/title", "", "/title", 422),
    ("/title", " \t ", "/title", 422),
    ("/title", "x" * 201, "/title", 422),
    ("/title", "x" * 5000, "/title", 422),
    ("/title", "a\x00b", "/title", 422),
    ("/title", ["x"], "/title", 422),
    ("/description", "x" * 5001, "/description", 422),
    ("/description", "\x00", "/description", 422),
    ("/description", 1.5, "/description", 422),
    ("/colour", "red", "/colour", 422),
    ("/a~b~1c", "red", "/a~0b~01c", 422),
    ("/upload/colour", "red", "/upload/colour", 422),
    ("/upload", None, "/upload", 422),
    ("/upload", [], "/upload", 422),
    ("/upload/size_bytes", 0, "/upload/size_bytes", 422),
    ("/upload/size_bytes", -1, "/upload/size_bytes", 422),
    ("/upload/size_bytes", 1.5, "/upload/size_bytes", 422),
    ("/upload/size_bytes", "1000", "/upload/size_bytes", 422),
    ("/upload/size_bytes", True, "/upload/size_bytes", 422),
    ("/upload/size_bytes", 10**30, "/upload/size_bytes", 413),
    ("/upload/size_bytes", -(10**30), "/upload/size_bytes", 422),
    ("/upload/size_bytes", 2**63, "/upload/size_bytes", 413),
    ("/upload/size_bytes", 4 * 1024**3 + 1, "/upload/size_bytes", 413),
    ("/upload/content_type", "image/png", "/upload/content_type", 415),
    ("/upload/content_type", "video/", "/upload/content_type", 415),
    ("/upload/content_type", "", "/upload/content_type", 415),
    ("/upload/content_type", "video/mp4\r\nx: y", "/upload/content_type", 415),
    ("/upload/content_type", "v" * 300, "/upload/content_type", 422),
    ("/upload/filename", "x" * 256, "/upload/filename", 422),
    ("/upload/filename", "a\x00.mp4", "/upload/filename", 422),
    ("/upload/sha256", "abc", "/upload/sha256", 422),
    ("/upload/sha256", "g" * 64, "/upload/sha256", 422),
    ("/upload/sha256", "a" * 64 + "\n", "/upload/sha256", 422),
    ("/visibility", "secret", "/visibility", 422),
    ("/location", {"lat": 91, "lng": 0}, "/location/lat", 422),
    ("/location", {"lat": 0, "lng": -180.1}, "/location/lng", 422),
    ("/location", {"lat": 0}, "/location/lng", 422),
    ("/location", {"lat": "0", "lng": 0}, "/location/lat", 422),
    ("/location", {"lat": 0, "lng": 0, "source": "user"}, "/location/source", 422),
    ("/recorded_at", "yesterday", "/recorded_at", 422),
    ("/recorded_at", "2026-01-01T00:00:00", "/recorded_at", 422),
    ("/recorded_at", "1700-01-01T00:00:00Z", "/recorded_at", 422),
    ("/recorded_at", "0001-01-01T00:00:00+14:00", "/recorded_at", 422),
    ("/recorded_at", "9999-12-31T23:59:59-14:00", "/recorded_at", 422),
    ("/recorded_at", "2026-05-03T00:00:00Z", "/recorded_at", 422),
    ("/recorded_at", 1e12, "/recorded_at", 422),
]


@pytest.mark.parametrize(("path", "value", "pointer", "status"), BAD_FIELDS)
async def test_a_bad_field_is_named(house, video_intent, path, value, pointer, status):
    told = await house.ask("POST", "/api/v1/videos", changed(video_intent, path, value))
    assert (told.status, told.pointers) == (status, [pointer])
    assert told.headers["Content-Type"] == "application/problem+json"
    assert told.json["request_id"] == told.headers["X-Request-Id"]
    assert not house.storage.videos.state.videos


BAD_BODIES = [
    (b"", 400, "malformed_json"),
    (b"{", 400, "malformed_json"),
    (b"nonsense", 400, "malformed_json"),
    (b"\xff\xfe", 400, "malformed_json"),
    (b"[" * 100_000, 422, "validation_failed"),
    (b'{"title":' + b"[" * 100_000, 422, "validation_failed"),
    (b'{"title":"x","upload":' + b'{"a":' * 50_000, 422, "validation_failed"),
    (b"[]", 422, "validation_failed"),
    (b"null", 422, "validation_failed"),
    (b'{"title":"x","upload":{"size_bytes":1,"content_type":"video/mp4"}} {}', 400, "malformed_json"),
    (b'{"title": NaN}', 400, "malformed_json"),
    (b'{"title":"' + b"x" * 300_000 + b'"}', 413, "too_large"),
    ("{" + "é" * 200_000, 413, "too_large"),
]


@pytest.mark.parametrize(("raw", "status", "code"), BAD_BODIES, ids=range(len(BAD_BODIES)))
async def test_a_body_that_is_no_such_object_is_refused(house, raw, status, code):
    told = await house.ask("POST", "/api/v1/videos", raw=raw)
    assert (told.status, told.json["code"]) == (status, code)


@pytest.mark.parametrize("path", ["title", "description"])
@pytest.mark.parametrize("escape", ["\\ud800", "\\udfff", "a\\ud800b"])
async def test_half_a_surrogate_pair_is_refused_by_name(house, video_intent, path, escape):
    raw = json.dumps(video_intent(**{path: "HERE"})).replace("HERE", escape)
    told = await house.ask("POST", "/api/v1/videos", raw=raw)
    assert (told.status, told.pointers) == (422, [f"/{path}"])


async def test_a_very_long_unknown_field_is_echoed_only_so_far(house, video_intent):
    told = await house.ask("POST", "/api/v1/videos", video_intent(**{"x" * 100_000: 1}))
    assert told.status == 422
    assert len(told.body) < 2000


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_a_body_of_another_type_is_415(house, video_intent, kind):
    told = await house.ask("POST", "/api/v1/videos", video_intent(), headers={"Content-Type": kind})
    assert (told.status, told.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"]
)
async def test_json_by_any_of_its_names_is_taken(house, video_intent, kind):
    assert (
        await house.ask("POST", "/api/v1/videos", video_intent(), headers={"Content-Type": kind})
    ).status == 201


async def test_a_declared_length_over_the_limit_is_refused_whatever_came(house, video_intent):
    told = await house.ask("POST", "/api/v1/videos", video_intent(), headers={"Content-Length": "9999999"})
    assert told.status == 413


async def test_two_lengths_of_one_body_are_refused(house, video_intent):
    both = {"Content-Length": "10", "Transfer-Encoding": "chunked"}
    assert (await house.ask("POST", "/api/v1/videos", video_intent(), headers=both)).status == 400


async def test_a_compressed_body_is_415(house, video_intent):
    told = await house.ask("POST", "/api/v1/videos", video_intent(), headers={"Content-Encoding": "gzip"})
    assert (told.status, told.json["code"]) == (415, "unsupported_media_type")


async def test_a_call_without_a_body_refuses_one(house):
    told = await house.ask("POST", f"/api/v1/videos/{UNKNOWN}/retry", {"force": True})
    assert (told.status, told.json["code"]) == (400, "malformed_request")


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["video/mp4", "public"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["title", "description", "location", "recorded_at", "visibility", "upload", "lat", "lng", "size_bytes"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(FIELDS, JSON_VALUES, max_size=5))
def test_any_json_is_a_success_or_a_4xx_problem(new_house, video_intent, changes):
    told = asyncio.run(new_house().ask("POST", "/api/v1/videos", video_intent() | changes))
    assert told.status == 201 or 400 <= told.status < 500, told.body
    if told.status == 422:
        assert told.pointers


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60) | st.text(max_size=60))
def test_any_bytes_are_a_4xx_problem(new_house, raw):
    told = asyncio.run(new_house().ask("POST", "/api/v1/videos", raw=raw))
    assert 400 <= told.status < 500


async def test_a_body_that_was_cut_short_is_refused_though_it_reads_well(house, video_intent):
    raw = json.dumps(video_intent())
    told = await house.ask("POST", "/api/v1/videos", raw=raw, headers={"content-length": str(len(raw) + 800)})
    assert (told.status, told.json["code"]) == (400, "malformed_request")


async def test_half_a_surrogate_pair_is_named_however_deep_and_wide_the_rest_is(house):
    depth = 900
    raw = '{"title":"\\ud800","x":' + "[" * depth + ",".join(['""'] * 20_000) + "]" * depth + "}"
    told = await house.ask("POST", "/api/v1/videos", raw=raw)
    assert (told.status, told.pointers) == (422, ["/title"])
