"""Retries, dead letters, queues and health."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from gateway.ports import Dependency, Queue
from storage.journey import STAGE_NAMES
from subjects.bus import BusUnavailableError
from subjects.codec import Envelope, open_message
from subjects.dead_letters import dead_letter
from subjects.video import VideoReady
from subjects.work import PackageDue

LETTERS = "/api/v1/admin/dead-letters"
FAR = {"peer": "203.0.113.9"}


@pytest.fixture
async def admin(house):
    return await house.as_user("admin")


@pytest.fixture
async def buried(house):
    """A video whose prober gave up, with the message in the dead letters."""
    video = await house.announce()
    video_id = UUID(video["id"])
    sequence = await house.say(VideoReady(video_id=video_id))
    stored = await house.bus.find("EVENTS", sequence)
    letter = dead_letter("prober", stored, 5, "broken", "it broke")
    place = (await house.bus.publish(letter)).sequence
    await house.storage.stages.settle(video_id, "prober", "failed", 5, "broken: it broke")
    return video["id"], place


async def orders(house):
    return [stored async for stored in house.bus.history("WORK", ("work.>",))]


async def test_a_retry_reopens_failed_stages_and_puts_their_messages_back_to_work(house, buried):
    video_id, _ = buried
    told = await house.ask("POST", f"/api/v1/videos/{video_id}/retry")
    assert (told.status, told.json["status"]) == (202, "processing")
    assert {stage["state"] for stage in told.json["stages"]} == {"pending"}
    (order,) = await orders(house)
    assert order.subject == f"work.prober.high.{video_id}"
    assert not house.bus.streams["DEAD_LETTERS"].messages


async def test_a_video_that_is_ready_without_some_sizes_has_them_tried_again_and_stays_ready(house):
    video = await house.announce()
    video_id = UUID(video["id"])
    sequence = await house.say(PackageDue(video_id=video_id, pass_number=1, given_up=True))
    stored = await house.bus.find("WORK", sequence)
    await house.bus.remove("WORK", sequence)
    await house.bus.publish(dead_letter("packager", stored, 1, "rendition_missing", "x"))
    for stage in STAGE_NAMES:
        await house.storage.stages.settle(video_id, stage, "done", 1, None)
    await house.storage.videos.finish(video_id)
    told = await house.ask("POST", f"/api/v1/videos/{video_id}/retry")
    assert (told.status, told.json["status"]) == (202, "ready")
    assert {stage["state"] for stage in told.json["stages"]} == {"done"}
    (order,) = await orders(house)
    assert order.subject == f"work.packager.high.{video_id}"
    assert open_message(order.subject, order.headers, order.body).given_up


async def test_a_retry_that_broke_off_is_finished_by_the_next(house, buried):
    video_id, _ = buried
    publish = house.bus.publish

    async def unavailable(_: Envelope) -> None:
        raise BusUnavailableError("no answer")

    house.bus.publish = unavailable
    assert (await house.ask("POST", f"/api/v1/videos/{video_id}/retry")).status == 503
    house.bus.publish = publish
    assert (await house.ask("POST", f"/api/v1/videos/{video_id}/retry")).status == 202
    assert len(await orders(house)) == 1


async def test_without_a_dead_letter_there_is_nothing_to_retry(house):
    video = await house.announce()
    told = await house.ask("POST", f"/api/v1/videos/{video['id']}/retry")
    assert (told.status, told.json["code"]) == (409, "conflict")


async def test_a_rejected_video_cannot_be_retried(house, buried):
    video_id, _ = buried
    await house.storage.videos.reject(UUID(video_id), "prober", "not_media", "no")
    assert (await house.ask("POST", f"/api/v1/videos/{video_id}/retry")).status == 409
    assert not await orders(house)


@pytest.mark.parametrize("role", ["moderator", "admin"])
async def test_a_moderator_may_retry_for_another_and_others_may_not(house, buried, role):
    video_id, _ = buried
    house.owned_by_another(video_id, visibility="private")
    assert (await house.ask("POST", f"/api/v1/videos/{video_id}/retry")).status == 404
    powerful = await house.as_user(role)
    assert (await powerful.ask("POST", f"/api/v1/videos/{video_id}/retry", **FAR)).status == 202
    assert await house.trail() == [("video.retried", f"video:{video_id}")]


async def test_a_dead_letter_is_listed_with_how_it_died(admin, buried):
    video_id, place = buried
    told = await admin.ask("GET", LETTERS)
    (letter,) = told.json["data"]
    assert told.json["next_cursor"] is None
    assert (letter["id"], letter["actor"], letter["video_id"]) == (place, "prober", video_id)
    assert (letter["code"], letter["reason"], letter["attempts"]) == ("broken", "it broke", 5)
    assert letter["subject"] == "video.ready"


async def test_dead_letters_are_filtered_and_paged(house, admin, buried):
    video_id, _ = buried
    stored = await house.bus.find("EVENTS", 1)
    for actor in ("uploader", "uploader", "finisher"):
        letter = dead_letter(actor, stored, 1, "c", "r")
        letter.headers["Nats-Msg-Id"] += str(len(house.bus.streams["DEAD_LETTERS"].messages))
        await house.bus.publish(letter)
    first = (await admin.ask("GET", f"{LETTERS}?limit=3")).json
    rest = (await admin.ask("GET", f"{LETTERS}?cursor={first['next_cursor']}")).json
    assert [len(first["data"]), len(rest["data"]), rest["next_cursor"]] == [3, 1, None]
    assert len((await admin.ask("GET", f"{LETTERS}?actor=uploader&video_id={video_id}")).json["data"]) == 2
    for query in ("actor=>", "actor=*", "video_id=x", "cursor=x", "limit=0", "colour=red"):
        assert (await admin.ask("GET", f"{LETTERS}?{query}")).status == 400


async def test_a_dead_letter_is_replayed_once_or_dropped(house, admin, buried):
    _, place = buried
    assert (await admin.ask("POST", f"{LETTERS}/{place}/replay")).status == 204
    assert len(await orders(house)) == 1
    assert (await admin.ask("POST", f"{LETTERS}/{place}/replay")).status == 404
    assert (await admin.ask("DELETE", f"{LETTERS}/{place}")).status == 404
    assert await house.trail() == [("dead-letter.replayed", f"dead-letter:{place}")]


async def test_a_dropped_dead_letter_is_forgotten(house, admin, buried):
    _, place = buried
    assert (await admin.ask("DELETE", f"{LETTERS}/{place}")).status == 204
    assert (await admin.ask("GET", LETTERS)).json["data"] == []
    assert await house.trail() == [("dead-letter.dropped", f"dead-letter:{place}")]


@pytest.mark.parametrize("name", ["0", "-1", "x", "1.5", "9" * 30, "²"])
async def test_what_cannot_be_a_place_in_the_stream_is_not_found(admin, name):
    assert (await admin.ask("DELETE", f"{LETTERS}/{name}")).status == 404


async def test_queues_are_told_as_they_are(house, admin):
    house.queues = [
        Queue(actor="prober", priority="high", stream="EVENTS", pending=1, in_flight=2, redelivered=3)
    ]
    (queue,) = (await admin.ask("GET", "/api/v1/admin/queues")).json["data"]
    assert queue["oldest_age_seconds"] is None
    assert (queue["actor"], queue["pending"], queue["in_flight"], queue["redelivered"]) == ("prober", 1, 2, 3)


@pytest.mark.parametrize("path", ["/api/v1/admin/queues", LETTERS])
async def test_operations_are_for_administrators_wherever_from(house, admin, path):
    assert (await admin.ask("GET", path, **FAR)).status == 200
    assert (await (await house.with_key(admin, "operations")).ask("GET", path, **FAR)).status == 200
    assert (await (await house.with_key(admin, "moderation")).ask("GET", path)).status == 403
    assert (await house.ask("GET", path)).status == 403
    assert (await house.nobody.ask("GET", path)).status == 401


async def test_deep_health_is_for_the_private_network_and_administrators(house, admin):
    path = "/health/deep"
    assert (await admin.ask("GET", path, **FAR)).status == 200
    assert (await house.nobody.ask("GET", path, peer="10.1.2.3")).status == 200
    assert (await house.ask("GET", path, peer="::1")).status == 200
    assert (await house.ask("GET", path, peer="::ffff:127.0.0.1")).status == 200
    for peer in ("203.0.113.9", "2001:4860::1", "", "nonsense", "0.0.0.0"):
        assert (await house.ask("GET", path, peer=peer)).status == 403
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"):
        assert (await house.ask("GET", path, headers={name: "127.0.0.1"})).status == 403


@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-For": "nonsense"}, {"X-Forwarded-For": "10.0.0.9"}])
async def test_behind_a_proxy_nobody_is_near_also_when_the_header_that_says_so_was_lost(new_house, forwarded):
    house = new_house()
    house.config = replace(house.config, behind_proxy=True)
    house.build()
    for person in (house.nobody, await house.as_user()):
        told = await person.ask("GET", "/health/deep", headers=forwarded, peer="10.0.0.1")
        assert told.status == 403
    await house.nobody.ask("GET", "/api/v1/videos", headers={"X-Forwarded-For": "nonsense"}, peer="10.0.0.1")
    assert house.limits.spent[-1] == ("read", "address:10.0.0.1")
    admin = await house.as_user("admin")
    assert (await admin.ask("GET", "/health/deep", headers=forwarded, peer="10.0.0.1")).status == 200


def dependency(name, *, fails=False, required=True):
    async def ping():
        if fails:
            raise BusUnavailableError("no answer from 10.0.0.7")

    return Dependency(name=name, ping=ping, required=required)


async def test_ready_when_everything_answers(new_house):
    house = new_house(dependencies=(dependency("nats"), dependency("redis", required=False)))
    assert (await house.ask("GET", "/ready")).json == {"status": "ready", "degraded": []}
    assert (await house.ask("GET", "/health/deep")).json["status"] == "ok"


async def test_ready_and_degraded_without_what_is_not_required(new_house):
    house = new_house(dependencies=(dependency("nats"), dependency("redis", fails=True, required=False)))
    told = await house.ask("GET", "/ready")
    assert (told.status, told.json["degraded"]) == (200, ["redis"])
    deep = await house.ask("GET", "/health/deep")
    assert (deep.status, deep.json["status"]) == (200, "degraded")


async def test_not_ready_without_what_is_required_and_it_is_named(new_house):
    house = new_house(dependencies=(dependency("nats", fails=True), dependency("postgres")))
    told = await house.ask("GET", "/ready")
    assert (told.status, told.pointers) == (503, ["/nats"])
    assert b"10.0.0.7" not in told.body
    assert (await house.ask("GET", "/health")).status == 200
    deep = await house.ask("GET", "/health/deep")
    assert (deep.status, deep.json["dependencies"]["nats"]["status"]) == (503, "failed")
    assert deep.json["dependencies"]["postgres"]["latency_ms"] >= 0


async def test_metrics_are_told_by_route_template(house):
    video = await house.announce()
    await house.ask("GET", f"/api/v1/videos/{video['id']}")
    told = await house.ask("GET", "/metrics")
    text = told.body.decode()
    assert told.headers["Content-Type"].startswith("text/plain")
    assert 'route="/api/v1/videos/{video_id}"' in text
    assert video["id"] not in text
