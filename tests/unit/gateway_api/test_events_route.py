import asyncio
from uuid import UUID

import pytest

from gateway.event_text import RECONNECT
from subjects.stage import StageProgressed
from subjects.video import VideoDeleted, VideoReady


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


async def followed(person, video):
    """A stream of a video that has told where it stands."""
    stream = (await person.ask("GET", f"/api/v1/videos/{video['id']}/events")).stream
    assert b"event: video\n" in (await anext(stream), await anext(stream))[1]
    return stream


@pytest.mark.parametrize("before", ["unlisted", "public"])
@pytest.mark.parametrize("who", ["nobody", "another", "key"])
async def test_a_stream_ends_when_its_video_is_hidden_and_tells_nothing_said_after_that(house, who, before):
    another = await house.as_user("creator", "another")
    people = {
        "nobody": house.nobody,
        "another": another,
        "key": await house.with_key(another, "videos:read"),
    }
    async with house.following():
        video = await house.announce(visibility=before)
        video_id, stream = UUID(video["id"]), await followed(people[who], video)
        own, moderators = (
            await followed(await house.as_user(), video),
            await followed(await house.as_user("moderator"), video),
        )
        await house.say(StageProgressed(video_id=video_id, stage="prober", attempt=1, fraction=0.5))
        assert b"event: stage.progressed\n" in await anext(stream)  # so it was seen a moment ago
        path = f"/api/v1/videos/{video['id']}"
        assert (await house.ask("PATCH", path, {"visibility": "private"})).status == 200
        await house.say(VideoReady(video_id=video_id))
        assert [part async for part in stream] == [RECONNECT]
        for allowed in (own, moderators):
            assert b"event: stage.progressed\n" in await anext(allowed)
            assert b"event: video.ready\n" in await anext(allowed)
            await allowed.aclose()


async def test_a_video_that_is_hidden_while_its_past_is_read_tells_nothing_of_it(house):
    async with house.following():
        video = await house.announce()
        sequence = await house.say(VideoReady(video_id=UUID(video["id"])))
        path = f"/api/v1/videos/{video['id']}"
        told = await house.nobody.ask("GET", f"{path}/events", headers={"Last-Event-ID": str(sequence - 1)})
        assert b"event: video\n" in (await anext(told.stream), await anext(told.stream))[1]
        assert (await house.ask("PATCH", path, {"visibility": "private"})).status == 200
        assert [part async for part in told.stream] == [RECONNECT]


async def test_that_a_video_was_deleted_is_told_to_whoever_still_listened(house):
    async with house.following():
        video = await house.announce()
        stream = await followed(house.nobody, video)
        assert (await house.ask("DELETE", f"/api/v1/videos/{video['id']}")).status == 204
        await house.say(VideoDeleted(video_id=UUID(video["id"])))
        (told,) = [part async for part in stream]
        assert b"event: video.deleted\n" in told


async def test_whatever_many_follow_is_looked_up_once_a_fact_and_viewer(new_house):
    house, looks = new_house(streams=100), []
    videos = house.storage.videos

    class Counted:
        def __getattr__(self, name):
            return getattr(videos, name)

        async def find(self, *given):
            looks.append(given)
            await asyncio.sleep(0)
            return await videos.find(*given)

    house.videos = Counted()
    house.build()
    async with house.following():
        video = await house.announce()
        strangers = [await followed(house.nobody, video) for _ in range(30)]
        own = [await followed(await house.as_user(), video) for _ in range(30)]
        looks.clear()
        for _ in range(3):
            await house.say(VideoReady(video_id=UUID(video["id"])))
            told = await asyncio.gather(*map(anext, strangers + own))
            assert all(b"event: video.ready\n" in text for text in told)
        assert len(looks) == 3 * 2
        for stream in strangers + own:
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
        "name": "prober", "state": "running", "attempt": 2, "progress": 0.4, "renditions": {}, "error": None
    }  # fmt: skip
    house.later(61)
    stages = {stage["name"]: stage for stage in (await house.ask("GET", path)).json["stages"]}
    assert stages["prober"]["state"] == "pending"


async def test_a_video_tells_how_far_each_rendition_is_while_they_are_made(house, illustrated):
    video = await house.announce()
    video_id = UUID(video["id"])
    await illustrated(house, video_id)
    done = {"360p-h264": 1.0, "720p-h264": 0.4}
    await house.say(
        StageProgressed(video_id=video_id, stage="transcoder", attempt=1, fraction=0.5, renditions=done)
    )
    house.clock[0] = house.bus.clock.now()
    stages = {s["name"]: s for s in (await house.ask("GET", f"/api/v1/videos/{video['id']}")).json["stages"]}
    assert stages["transcoder"]["renditions"] == done
    assert stages["prober"]["renditions"] == {}


async def test_what_is_settled_is_not_running_whatever_was_said_before(house, illustrated):
    video = await house.announce()
    video_id = UUID(video["id"])
    await illustrated(house, video_id)
    await house.say(StageProgressed(video_id=video_id, stage="prober", attempt=1, fraction=0.9))
    await house.storage.stages.settle(video_id, "prober", "done", 1, None)
    house.clock[0] = house.bus.clock.now()
    stages = {s["name"]: s for s in (await house.ask("GET", f"/api/v1/videos/{video['id']}")).json["stages"]}
    assert (stages["prober"]["state"], stages["prober"]["progress"]) == ("done", 1.0)
