from uuid import UUID

import pytest

from gateway.event_text import RECONNECT
from subjects.stage import StageProgressed
from subjects.video import VideoReady


async def first(told, count):
    found = []
    async for text in told.stream:
        found.append(text)
        if len(found) == count:
            break
    await told.stream.aclose()
    return found


async def test_a_stream_is_text_event_stream_and_replays_from_the_last_event(house):
    async with house.following():
        video = await house.announce()
        sequence = await house.say(VideoReady(video_id=UUID(video["id"])))
        path = f"/api/v1/videos/{video['id']}/events"
        told = await house.ask("GET", path, headers={"Last-Event-ID": str(sequence - 1)})
        assert (told.status, told.headers["Content-Type"]) == (200, "text/event-stream")
        _, snapshot, ready = await first(told, 3)
        assert video["id"].encode() in snapshot
        assert f"id: {sequence}\nevent: video.ready\n".encode() in ready


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "9" * 19, "1" * 30, "²"])
async def test_an_id_we_never_gave_is_named(house, given):
    async with house.following():
        video = await house.announce()
        told = await house.ask(
            "GET", f"/api/v1/videos/{video['id']}/events", headers={"Last-Event-ID": given}
        )
        assert (told.status, told.pointers) == (400, ["/Last-Event-ID"])


@pytest.mark.parametrize("ends", ["signed out", "token run out", "lesser role"])
async def test_a_stream_ends_with_what_opened_it_and_tells_nothing_more(house, ends):
    moderator = await house.as_user("moderator")
    async with house.following():
        video = await house.announce(visibility="private")
        told = await moderator.ask("GET", f"/api/v1/videos/{video['id']}/events")
        stream = told.stream
        assert b"event: video\n" in (await anext(stream), await anext(stream))[1]
        if ends == "signed out":
            assert (await moderator.ask("DELETE", "/api/v1/me/sessions")).status == 204
        elif ends == "lesser role":
            admin = await house.as_user("admin")
            path = f"/api/v1/users/{moderator.user_id}/role"
            assert (await admin.ask("PUT", path, {"role": "creator"})).status == 200
        else:
            house.later(900)
        await house.say(VideoReady(video_id=UUID(video["id"])))
        rest = [part async for part in stream]
        assert rest == [RECONNECT]


async def test_a_stream_goes_on_while_the_sign_in_does(house):
    async with house.following():
        video = await house.announce(visibility="private")
        stream = (await house.ask("GET", f"/api/v1/videos/{video['id']}/events")).stream
        assert b"event: video\n" in (await anext(stream), await anext(stream))[1]
        await house.say(VideoReady(video_id=UUID(video["id"])))
        assert b"event: video.ready\n" in await anext(stream)
        await stream.aclose()


async def test_one_stream_too_many_is_503_with_retry_after(new_house):
    house = new_house(streams=2)
    async with house.following():
        video = await house.announce()
        path = f"/api/v1/videos/{video['id']}/events"
        held = [await house.ask("GET", path) for _ in range(2)]
        told = await house.ask("GET", path)
        assert (told.status, told.json["code"]) == (503, "overloaded")
        assert told.headers["Retry-After"]
        await held.pop().stream.aclose()
        assert (await house.ask("GET", path)).status == 200


async def test_without_a_line_to_the_bus_a_stream_is_503(house):
    video = await house.announce()
    told = await house.ask("GET", f"/api/v1/videos/{video['id']}/events")
    assert (told.status, told.json["code"]) == (503, "unavailable")


async def test_head_of_a_stream_opens_none(new_house):
    house = new_house(streams=1)
    async with house.following():
        video = await house.announce()
        path = f"/api/v1/videos/{video['id']}/events"
        told = await house.ask("HEAD", path)
        assert (told.status, told.stream, told.headers["Content-Type"]) == (200, None, "text/event-stream")
        assert (await house.ask("GET", path)).status == 200


async def test_a_running_stage_shows_how_far_it_is_also_to_a_process_that_did_not_hear_it(house, illustrated):
    video = await house.announce()
    video_id = UUID(video["id"])
    await illustrated(house, video_id)
    await house.say(StageProgressed(video_id=video_id, stage="prober", attempt=2, fraction=0.4))
    house.clock[0] = house.bus.clock.now()
    path = f"/api/v1/videos/{video['id']}"
    stages = {stage["name"]: stage for stage in (await house.ask("GET", path)).json["stages"]}
    assert stages["prober"] == {
        "name": "prober", "state": "running", "attempt": 2, "progress": 0.4, "error": None
    }  # fmt: skip
    house.later(61)
    stages = {stage["name"]: stage for stage in (await house.ask("GET", path)).json["stages"]}
    assert stages["prober"]["state"] == "pending"


async def test_what_is_settled_is_not_running_whatever_was_said_before(house, illustrated):
    video = await house.announce()
    video_id = UUID(video["id"])
    await illustrated(house, video_id)
    await house.say(StageProgressed(video_id=video_id, stage="prober", attempt=1, fraction=0.9))
    await house.storage.stages.settle(video_id, "prober", "done", 1, None)
    house.clock[0] = house.bus.clock.now()
    stages = {s["name"]: s for s in (await house.ask("GET", f"/api/v1/videos/{video['id']}")).json["stages"]}
    assert (stages["prober"]["state"], stages["prober"]["progress"]) == ("done", 1.0)
