"""The API over Postgres and JetStream: what the twins promise, the servers keep.

The database user is the gateway's own, held to row-level security.
"""

import asyncio
import json
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from gateway.api import open_api
from gateway.config import GatewayConfig
from gateway.exchange import Request
from gateway.identity.identification import identification_of
from gateway.limits.leases import make_limits
from gateway.ports import Dependency, Ports
from gateway.relay import Relay
from storage.memory import MemoryObjects
from storage.opening import open_storage
from storage.sealing import Vault
from subjects.administration import apply
from subjects.bus import Stored
from subjects.codec import MESSAGE_ID, seal
from subjects.dead_letters import dead_letter
from subjects.jetstream import connect
from subjects.message import Priority
from subjects.stage import StageProgressed, StageSkipped
from subjects.streams import STREAMS
from subjects.video import VideoReady

INTENT = {"title": "Rain on the quay", "upload": {"size_bytes": 10, "content_type": "video/mp4"}}
CONFIG = GatewayConfig(
    api_url="http://api.test",
    media_url="http://media.test",
    signing_key=b"k" * 32,
    token_seeds=(b"s" * 32,),
    password_memory_bytes=64 * 1024,
    password_passes=1,
)
VAULT = Vault((b"v" * 32,))
ADA = {"email": "ada@example.org", "password": "correct horse", "name": "Ada"}


class Asked:
    def __init__(self, api, bus, relay, storage):
        self.api, self.bus, self.relay, self.storage = api, bus, relay, storage
        self.signed_in = {}

    async def register(self, **changes):
        """Register somebody, and ask as them from now on."""
        told = await self("POST", "/api/v1/auth/register", ADA | changes)
        assert told.status == 201, told.body
        self.signed_in = json.loads(told.body)
        return self.signed_in

    async def __call__(self, method, path, body=None, **headers):
        sent = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        if self.signed_in and "x-api-key" not in sent:
            sent.setdefault("authorization", f"Bearer {self.signed_in['access_token']}")
        path, _, search = path.partition("?")
        query = tuple(tuple(pair.split("=")) for pair in search.split("&") if pair)
        raw = b"" if body is None else json.dumps(body).encode()
        return await self.api.respond(
            Request(method=method, path=path, query=query, headers=sent, body=raw, peer="127.0.0.1")
        )

    async def announce(self):
        told = await self("POST", "/api/v1/videos", INTENT)
        assert told.status == 201, told.body
        return json.loads(told.body)["video"]["id"]

    async def say(self, message, message_id):
        return await self.bus.publish(seal(message, message_id=message_id, priority=Priority.NORMAL))


class NoQueues:
    async def list_queues(self):
        return []


@asynccontextmanager
async def opened(database_url, redis_url, nats_url, owner_url):
    async with (
        open_storage(database_url, MemoryObjects(), redis_url, vault=VAULT, asks=True) as storage,
        open_storage(owner_url, MemoryObjects(), redis_url, vault=VAULT) as owners,
        connect(nats_url, name="gateway") as bus,
    ):
        await apply(bus.wire, STREAMS, ())
        relay = Relay(storage.outbox, bus)
        ports = Ports(
            videos=storage.videos,
            uploads=storage.uploads,
            idempotency=storage.idempotency,
            accounts=storage.accounts,
            departures=storage.departures,
            sessions=storage.sessions,
            api_keys=storage.api_keys,
            audit=storage.audit,
            identification=identification_of(CONFIG, storage.sessions, storage.api_keys, storage.audit),
            limits=make_limits(CONFIG, storage.buckets),
            vault=VAULT,
            bus=bus,
            queues=NoQueues(),
            kick=relay.kick,
            dependencies=(
                Dependency(name="nats", ping=bus.ping),
                Dependency(name="postgres", ping=storage.database.ping),
                Dependency(name="redis", ping=storage.cache.ping, required=False),
            ),
        )
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group, open_api(CONFIG, ports) as api:
            group.create_task(relay.run(over))
            await asyncio.wait_for(api.hub.live.wait(), 5)
            ask = Asked(api, bus, relay, owners)
            await ask.register()
            yield ask
            over.set()


@pytest.fixture
def house(database_url, url_as, redis_url, nats_url):
    # A task group must be left in the task that entered it: fixtures of pytest are left in another.
    return opened(url_as("truthtok_gateway"), redis_url, nats_url, database_url)


async def become(ask, role):
    """Register somebody else with this role, and ask as them."""
    told = await ask.register(email=f"{role}@example.org")
    assert await ask.storage.accounts.set_role(UUID(told["user"]["id"]), role) is not None


async def until(stream, mark):
    """Read a stream's parts up to one that holds the mark."""
    found = []
    async with asyncio.timeout(10):
        async for part in stream:
            found.append(part)
            if mark in part:
                return found
    raise AssertionError(found)


async def test_a_video_is_made_once_listed_edited_and_deleted(house):
    async with house as ask:
        first = await ask("POST", "/api/v1/videos", INTENT, idempotency_key="k")
        again = await ask("POST", "/api/v1/videos", INTENT, idempotency_key="k")
        assert (again.status, again.body) == (201, first.body)
        path = first.headers["Location"]
        listed = json.loads((await ask("GET", "/api/v1/videos?q=quay&status=waiting")).body)
        assert len(listed["data"]) == 1
        edited = await ask("PATCH", path, {"location": {"lat": 1.5, "lng": 2.5}})
        assert json.loads(edited.body)["location"]["source"] == "user"
        assert (await ask("DELETE", path)).status == 204
        assert (await ask("DELETE", path)).status == 404


async def test_a_deletion_reaches_whoever_listens_and_ends_the_stream(house):
    async with house as ask:
        path = f"/api/v1/videos/{await ask.announce()}"
        stream = (await ask("GET", f"{path}/events")).stream
        await until(stream, b"event: video\n")
        await ask("DELETE", path)
        await until(stream, b"event: video.deleted\n")
        assert [part async for part in stream] == []


async def test_a_client_that_comes_back_is_told_what_it_missed_then_what_happens(house):
    async with house as ask:
        video_id = await ask.announce()
        receipts = [await ask.say(VideoReady(video_id=UUID(video_id)), f"m{number}") for number in range(3)]
        after = str(receipts[0].sequence)
        stream = (await ask("GET", f"/api/v1/videos/{video_id}/events", last_event_id=after)).stream
        past = await until(stream, f"id: {receipts[2].sequence}\n".encode())
        assert sum(b"event: video.ready" in part for part in past) == 2
        live = await ask.say(VideoReady(video_id=UUID(video_id)), "m4")
        (part,) = await until(stream, b"event: video.ready")
        assert f"id: {live.sequence}\n".encode() in part
        await stream.aclose()


async def test_facts_about_stages_are_replayed_and_an_id_never_given_hides_nothing(house):
    async with house as ask:
        video_id = await ask.announce()
        path = f"/api/v1/videos/{video_id}/events"
        said = StageSkipped(video_id=UUID(video_id), stage="captioner", reason="no_audio", detail="")
        receipt = await ask.say(said, "s1")
        past = (await ask("GET", path, last_event_id="0")).stream
        assert f"id: {receipt.sequence}\n".encode() in (await until(past, b"event: stage.skipped"))[-1]
        future = (await ask("GET", path, last_event_id=str(2**63 - 1))).stream
        await until(future, b"event: video\n")
        await ask.say(VideoReady(video_id=UUID(video_id)), "m1")
        await until(future, b"event: video.ready")
        await past.aclose()
        await future.aclose()


async def test_progress_is_told_live_and_found_by_a_process_that_did_not_hear_it(house):
    async with house as ask:
        video_id = await ask.announce()
        stream = (await ask("GET", f"/api/v1/videos/{video_id}/events")).stream
        await until(stream, b"event: video\n")
        said = StageProgressed(video_id=UUID(video_id), stage="prober", attempt=1, fraction=0.5)
        await ask.say(said, "p1")
        (part,) = await until(stream, b"stage.progressed")
        assert b"id: " not in part
        await stream.aclose()


async def test_a_dead_letter_is_listed_and_replayed_by_the_owners_retry(house):
    async with house as ask:
        video_id = await ask.announce()
        receipt = await ask.say(VideoReady(video_id=UUID(video_id)), "m1")
        stored: Stored | None = await ask.bus.find("EVENTS", receipt.sequence)
        assert stored is not None
        await ask.bus.publish(dead_letter("prober", stored, 5, "broken", "it broke"))
        creator = ask.signed_in
        await become(ask, "admin")
        (letter,) = json.loads((await ask("GET", "/api/v1/admin/dead-letters?actor=prober")).body)["data"]
        assert (letter["video_id"], letter["reason"]) == (video_id, "it broke")
        admin, ask.signed_in = ask.signed_in, creator
        assert (await ask("POST", f"/api/v1/videos/{video_id}/retry")).status == 202
        orders = [order async for order in ask.bus.history("WORK", ("work.prober.*.*",))]
        assert [order.headers[MESSAGE_ID] != "m1" for order in orders] == [True]
        assert (await ask("POST", f"/api/v1/videos/{video_id}/retry")).status == 409
        ask.signed_in = admin
        assert json.loads((await ask("GET", "/api/v1/admin/dead-letters")).body)["data"] == []


async def test_everything_behind_is_found_well(house):
    async with house as ask:
        deep = json.loads((await ask("GET", "/health/deep")).body)
        assert {name: one["status"] for name, one in deep["dependencies"].items()} == {
            "nats": "ok",
            "postgres": "ok",
            "redis": "ok",
        }
        assert (await ask("GET", "/ready")).status == 200


@pytest.mark.parametrize("text", ["%E2%80%AE", "'; drop table videos; --", "%25%5F", "\\", "%F0%9F%8C%A7"])
async def test_any_words_can_be_searched_for(house, text):
    async with house as ask:
        assert (await ask("GET", f"/api/v1/videos?q={text}")).status == 200


async def test_any_title_that_is_taken_comes_back(house):
    async with house as ask:
        for title in ("🌧" * 100, "a\tb\x01", "\u202e", "' \" \\ \u2028'"):
            told = await ask("POST", "/api/v1/videos", INTENT | {"title": title})
            assert json.loads(told.body)["video"]["title"] == title
