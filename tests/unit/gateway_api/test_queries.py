"""Parameters of queries, paths and headers: what is wrong is named, and never 500."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.cursor import decode_cursor, encode_cursor
from gateway.problems import ProblemError

KEY = b"k" * 32

BAD_QUERIES = [
    ("limit=0", "/limit"),
    ("limit=101", "/limit"),
    ("limit=", "/limit"),
    ("limit=ten", "/limit"),
    ("limit=1e3", "/limit"),
    ("limit=99999999999999999999999", "/limit"),
    ("limit=1&limit=2", "/limit"),
    ("colour=red", "/colour"),
    ("tag=rain", "/tag"),
    ("cursor=", "/cursor"),
    ("cursor=nonsense", "/cursor"),
    ("cursor=%FF", "/cursor"),
    ("cursor=" + "A" * 44, "/cursor"),
    ("cursor=" + "A" * 500, "/cursor"),
    ("user_id=me", "/user_id"),
    ("status=lost", "/status"),
    ("status=ready&status=ready", "/status"),
    ("bbox=1,2,3", "/bbox"),
    ("bbox=1,2,3,x", "/bbox"),
    ("bbox=nan,0,1,1", "/bbox"),
    ("bbox=0,0,inf,1", "/bbox"),
    ("bbox=0,10,1,-10", "/bbox"),
    ("bbox=-181,0,1,1", "/bbox"),
    ("bbox=0,-91,1,1", "/bbox"),
    ("q=%00", "/q"),
    ("q=%C3%28", "/q"),
    ("q=" + "x" * 201, "/q"),
    ("%00=1", ""),
]


@pytest.mark.parametrize(("query", "pointer"), BAD_QUERIES)
async def test_a_bad_parameter_is_named(house, query, pointer):
    told = await house.ask("GET", f"/api/v1/videos?{query}")
    assert (told.status, told.json["code"]) == (400, "invalid_parameter")
    assert pointer in told.pointers[0]


async def test_nothing_between_two_ampersands_is_nothing(house):
    assert (await house.ask("GET", "/health", query=(("", ""), ("", "")))).status == 200


async def test_a_call_without_parameters_refuses_any(house):
    told = await house.ask("GET", "/health?verbose=1")
    assert (told.status, told.pointers) == (400, ["/verbose"])


@pytest.mark.parametrize(
    "name", ["nonsense", "1", "0199", "{01990000-0000-7000-8000-00000000ffff}", "%00", "a%2Fb"]
)
async def test_what_cannot_be_an_id_is_not_found(house, name):
    told = await house.ask("GET", f"/api/v1/videos/{name}")
    assert (told.status, told.json["code"]) == (404, "not_found")


async def test_a_cursor_leads_through_all_pages_once(house):
    titles = [f"video {number}" for number in range(7)]
    for title in titles:
        await house.announce(title)
        house.later(1)
    found, cursor = [], ""
    while cursor is not None:
        query = f"limit=3&cursor={cursor}" if cursor else "limit=3"
        page = (await house.ask("GET", f"/api/v1/videos?{query}")).json
        found += [video["title"] for video in page["data"]]
        cursor = page["next_cursor"]
    assert found == titles[::-1]


async def test_a_cursor_continues_where_it_was_though_newer_videos_came(house):
    for title in "abc":
        await house.announce(title)
        house.later(1)
    cursor = (await house.ask("GET", "/api/v1/videos?limit=1")).json["next_cursor"]
    await house.announce("new")
    page = (await house.ask("GET", f"/api/v1/videos?cursor={cursor}")).json
    assert [video["title"] for video in page["data"]] == ["b", "a"]


MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.uuids())
def test_a_cursor_comes_back_as_it_went(moment, video_id):
    assert decode_cursor([KEY], encode_cursor(KEY, moment, video_id)) == (moment, video_id)


def test_a_cursor_of_before_a_rotation_still_leads_on():
    moment, video_id = datetime(2026, 5, 1, tzinfo=UTC), UUID(int=7)
    assert decode_cursor([b"n" * 32, KEY], encode_cursor(KEY, moment, video_id)) == (moment, video_id)


@given(MOMENTS, st.uuids(), st.integers(0, 43), st.characters(codec="ascii"))
@example(datetime(2000, 1, 1, tzinfo=UTC), UUID("fe352bab-08d0-0ff3-7335-98dc5b6202a5"), 12, "/")
def test_a_cursor_that_was_touched_or_made_elsewhere_is_refused(moment, video_id, place, char):
    ours = encode_cursor(KEY, moment, video_id)
    touched = ours[:place] + char + ours[place + 1 :]
    foreign = encode_cursor(b"x" * 32, moment, video_id)
    for cursor in {touched, foreign} - {ours}:
        with pytest.raises(ProblemError, match="cursor"):
            decode_cursor([KEY], cursor)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(st.tuples(st.sampled_from(["limit", "cursor", "bbox", "q", "x"]), st.text(max_size=30)))
)
def test_any_query_is_a_page_or_a_400(new_house, pairs):
    told = asyncio.run(new_house().ask("GET", "/api/v1/videos", query=tuple(pairs)))
    assert told.status in (200, 400)


async def test_filters_hold_together(house):
    place = {"lat": 48.85, "lng": 2.35}
    await house.announce("Rain on the quay", location=place)
    await house.announce("Rain elsewhere")
    here = await house.ask("GET", "/api/v1/videos?bbox=2,48,3,49&q=rain&status=waiting")
    assert [video["title"] for video in here.json["data"]] == ["Rain on the quay"]
    assert (await house.ask("GET", "/api/v1/videos?bbox=2,48,3,49&q=sun")).json["data"] == []
    assert (await house.ask("GET", "/api/v1/videos?q=the%20quay")).json["data"]
    assert (await house.ask("GET", "/api/v1/videos?q=the+quay")).json["data"]
