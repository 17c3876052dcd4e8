"""The rendered permissions on a real server: each user can do its work, and nothing else."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import nkeys
import pytest

from actors.core.context import Context
from actors.core.dead_letters import ADVISORY_DURABLE
from actors.eraser import TRACES_KEPT, Eraser
from deploy.render import ActorDeclaration
from deploy.render.nats_files import SERVER_CONF, key_variable, nats_users, permissions_conf
from storage.memory import MemoryObjects
from subjects import schedule, stage, upload, video
from subjects.administration import apply, queues
from subjects.bus import Bus, BusError, BusRefusedError, Delivery
from subjects.codec import Envelope, open_message
from subjects.jetstream import connect
from subjects.jetstream_bus import JetStreamBus
from subjects.message import Priority
from subjects.streams import STREAMS, Durable
from subjects.video import VideoDeleted
from subjects.wire import ask_api
from tests.nats_servers import NatsServer, running, until

UPLOADER = ActorDeclaration(
    name="uploader", consumes=(upload.COMPLETED,), produces=(video.UPLOADED, video.REJECTED)
)
THUMBNAILER = ActorDeclaration(
    name="thumbnailer", consumes=(video.PROBED,), produces=(video.THUMBNAILED, stage.SKIPPED)
)
FINISHER = ActorDeclaration(
    name="finisher",
    consumes=(video.THUMBNAILED, stage.SKIPPED.at("thumbnailer")),
    produces=(video.READY,),
    joins=True,
)
ERASER = ActorDeclaration.of(Eraser)
ACTORS = (UPLOADER, THUMBNAILER, FINISHER, ERASER)
USERS = nats_users(actor.name for actor in ACTORS)
VIDEO = "00000000-0000-0000-0000-000000000001"


def new_seed() -> str:
    seed: bytes = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
    return seed.decode()


def public(seed: str) -> str:
    key: str = nkeys.from_seed(seed.encode()).public_key.decode()
    return key


class Guarded:
    """A server with the rendered permissions, and a bus for each of its users."""

    def __init__(self, server: NatsServer, seeds: dict[str, str], stack: AsyncExitStack) -> None:
        self.server, self.seeds, self.stack = server, seeds, stack

    async def bus(self, name: str) -> JetStreamBus:
        return await self.stack.enter_async_context(
            connect(self.server.url, name=name, seed=self.seeds[name], connect_seconds=5)
        )


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    seeds = {name: new_seed() for name in USERS}
    (tmp_path / "permissions.conf").write_text(permissions_conf(ACTORS))
    environment = {key_variable(name): public(seed) for name, seed in seeds.items()}
    server = NatsServer(tmp_path, extra_config='include "permissions.conf"', environment=environment)
    async with running(server), AsyncExitStack() as stack:
        guarded = Guarded(server, seeds, stack)
        admin = await guarded.bus("admin")
        await apply(
            admin.wire, STREAMS, [*(one for actor in ACTORS for one in actor.durables), ADVISORY_DURABLE]
        )
        yield guarded


def envelope(subject: str) -> Envelope:
    return Envelope(subject.replace("*", "normal", 1).replace("*", VIDEO, 1), b"{}")


async def take(bus: Bus, durable: Durable) -> Delivery:
    """Take one message and answer it."""
    got: list[Delivery] = []
    returned: list[int] = []
    inlet = await bus.open_inlet(durable, got.append, returned.append)
    await inlet.request(1, 3.0)
    await until(lambda: bool(got or returned))
    assert got, "the request came back empty"
    await got[0].ack()
    await inlet.close()
    return got[0]


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: actor.name)
async def test_an_actor_hears_what_it_consumes_and_its_answers_count(
    guarded: Guarded, actor: ActorDeclaration
) -> None:
    said = {
        "uploader": ("gateway", envelope("upload.completed.*.*")),
        "thumbnailer": ("gateway", envelope("work.thumbnailer.*.*")),
        "finisher": ("thumbnailer", envelope("stage.skipped.*.*.thumbnailer")),
        "eraser": ("gateway", envelope("video.deleted.*.*")),
    }
    speaker, message = said[actor.name]
    receipt = await (await guarded.bus(speaker)).publish(message)
    bus = await guarded.bus(actor.name)
    [durable] = [
        one for one in actor.durables if (one.stream, one.name) == (receipt.stream, f"{actor.name}-normal")
    ]
    assert (await take(bus, durable)).stored.subject == message.subject
    admin = await guarded.bus("admin")
    await until(lambda: _all_answered(admin, durable))


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: actor.name)
async def test_an_actor_says_what_it_produces_its_progress_and_its_failures(
    guarded: Guarded, actor: ActorDeclaration
) -> None:
    bus = await guarded.bus(actor.name)
    own = (f"stage.progressed.*.*.{actor.name}", "video.failed.*.*", f"dead.{actor.name}.*.*")
    for subject in (*actor.says, *own):
        assert (await bus.publish(envelope(subject))).sequence


@pytest.mark.parametrize(
    "subject",
    [
        "video.ready.*.*",
        "video.deleted.*.*",
        "upload.completed.*.*",
        "work.finisher.*.*",
        "schedule.uploader.sweep",
        "dead.finisher.*.*",
        "stage.progressed.*.*.finisher",
        "stage.skipped.*.*.uploader",
    ],
)
async def test_an_actor_says_nothing_else(guarded: Guarded, subject: str) -> None:
    bus = await guarded.bus("uploader")
    with pytest.raises(BusRefusedError, match="permissions violation"):
        await bus.publish(envelope(subject))


@pytest.mark.parametrize(
    "api",
    [
        "STREAM.INFO.EVENTS",
        "STREAM.DELETE.EVENTS",
        "STREAM.PURGE.EVENTS",
        "STREAM.MSG.GET.EVENTS",
        "STREAM.MSG.DELETE.EVENTS",
        "DIRECT.GET.EVENTS",
        "CONSUMER.CREATE.EVENTS",
        "CONSUMER.CREATE.EVENTS.uploader-normal",
        "CONSUMER.DELETE.EVENTS.finisher-normal",
        "CONSUMER.MSG.NEXT.EVENTS.finisher-normal",
        "CONSUMER.INFO.EVENTS.uploader-normal",
    ],
)
async def test_an_actor_uses_nothing_else_of_the_api(guarded: Guarded, api: str) -> None:
    bus = await guarded.bus("uploader")
    with pytest.raises(BusRefusedError, match="permissions violation"):
        await ask_api(bus.wire, api, {})


async def test_a_refused_request_of_a_foreign_durable_is_given_back(guarded: Guarded) -> None:
    bus = await guarded.bus("uploader")
    got: list[Delivery] = []
    returned: list[int] = []
    inlet = await bus.open_inlet(FINISHER.durables[0], got.append, returned.append)
    await inlet.request(3, 0)
    await until(lambda: bool(returned))
    assert (got, returned) == ([], [3])
    await inlet.close()


async def test_nobody_hears_the_inbox_of_another(guarded: Guarded) -> None:
    spy = await guarded.bus("uploader")
    heard: list[str] = []

    async def on_heard(message: object) -> None:
        heard.append(str(message))

    client = spy.wire.client  # type: ignore[attr-defined]
    await client.subscribe("_INBOX_finisher.>", cb=on_heard)
    await client.subscribe("video.>", cb=on_heard)
    thumbnailer = await guarded.bus("thumbnailer")
    await thumbnailer.publish(envelope("video.thumbnailed.*.*"))
    assert (await take(await guarded.bus("finisher"), FINISHER.durables[2])).attempt == 1
    await client.flush()
    assert heard == []
    assert "permissions violation" in spy.wire.last_error  # type: ignore[attr-defined]


async def test_a_joining_actor_reads_facts_back(guarded: Guarded) -> None:
    await (await guarded.bus("thumbnailer")).publish(envelope("video.thumbnailed.*.*"))
    finisher = await guarded.bus("finisher")
    assert len(await finisher.latest("EVENTS", (f"video.*.*.{VIDEO}",))) == 1
    with pytest.raises(BusError):
        await finisher.latest("DEAD_LETTERS", ("dead.>",))


async def test_the_eraser_forgets_what_was_said_and_has_itself_called_again(guarded: Guarded) -> None:
    async def alive(*_: object) -> None:
        """Need no sign of life."""

    gateway = await guarded.bus("gateway")
    for subject in ("upload.completed.*.*", "video.deleted.*.*"):
        await gateway.publish(envelope(subject))
    await (await guarded.bus("thumbnailer")).publish(envelope("stage.skipped.*.*.thumbnailer"))
    await (await guarded.bus("uploader")).publish(envelope("dead.uploader.*.*"))
    ctx = Context(UUID(VIDEO), Priority.NORMAL, 1, alive, alive)
    eraser = Eraser(MemoryObjects(), await guarded.bus("eraser"), lambda: datetime.now(UTC) - TRACES_KEPT)
    await eraser.handle(VideoDeleted(video_id=UUID(VIDEO)), ctx)
    [durable] = [one for one in ERASER.durables if (one.stream, one.name) == ("WORK", "eraser-low")]
    order = (await take(await guarded.bus("eraser"), durable)).stored
    await eraser.handle(open_message(order.subject, order.headers, order.body), ctx)
    said = [one.subject async for one in gateway.history("EVENTS", (f"*.*.*.{VIDEO}", f"*.*.*.{VIDEO}.*"))]
    assert said == [f"video.deleted.normal.{VIDEO}"]
    assert [one async for one in gateway.history("DEAD_LETTERS", ("dead.>",))] == []


@pytest.mark.parametrize(
    "api", ["STREAM.MSG.DELETE.WORK", "STREAM.PURGE.EVENTS", "CONSUMER.CREATE.EVENTS", "STREAM.UPDATE.EVENTS"]
)
async def test_the_eraser_deletes_single_events_and_letters_only(guarded: Guarded, api: str) -> None:
    with pytest.raises(BusRefusedError, match="permissions violation"):
        await ask_api((await guarded.bus("eraser")).wire, api, {})


@pytest.mark.parametrize("facade", ["gateway", "media"])
async def test_either_relay_says_what_was_promised(guarded: Guarded, facade: str) -> None:
    bus = await guarded.bus(facade)
    for subject in ("upload.completed.*.*", "upload.expired.*.*", "video.deleted.*.*", "account.closed.*.*"):
        assert (await bus.publish(envelope(subject))).sequence


async def test_the_media_plane_gives_no_orders(guarded: Guarded) -> None:
    with pytest.raises(BusRefusedError, match="permissions violation"):
        await (await guarded.bus("media")).publish(envelope("work.uploader.*.*"))


async def test_the_gateway_says_orders_follows_and_reads_back(guarded: Guarded) -> None:
    bus = await guarded.bus("gateway")
    async with bus.tail("EVENTS", ("video.>", "upload.>")) as tail, bus.tail("PROGRESS", (">",)) as progress:
        for subject in ("upload.completed.*.*", "video.deleted.*.*", "work.uploader.*.*"):
            await bus.publish(envelope(subject))
        await (await guarded.bus("uploader")).publish(envelope("stage.progressed.*.*.uploader"))
        async with asyncio.timeout(5):
            assert (await anext(tail)).subject.startswith("upload.completed")
            assert (await anext(tail)).subject.startswith("video.deleted")
            assert (await anext(progress)).subject.endswith("uploader")
    assert len([one async for one in bus.history("EVENTS", (f"*.*.*.{VIDEO}",))]) == 2
    assert len(await bus.latest("PROGRESS", (f"stage.*.*.{VIDEO}.*",))) == 1
    await (await guarded.bus("uploader")).publish(envelope("dead.uploader.*.*"))
    [letter] = [one async for one in bus.history("DEAD_LETTERS", ("dead.>",))]
    assert await bus.remove("DEAD_LETTERS", letter.sequence)


@pytest.mark.parametrize(
    "api",
    [
        "CONSUMER.CREATE.EVENTS.finisher-normal",
        "CONSUMER.DURABLE.CREATE.EVENTS.finisher-normal",
        "CONSUMER.DELETE.EVENTS.finisher-normal",
        "CONSUMER.MSG.NEXT.EVENTS.finisher-normal",
        "STREAM.MSG.DELETE.EVENTS",
        "STREAM.UPDATE.EVENTS",
    ],
)
async def test_a_gateway_touches_no_durable_and_no_stream(guarded: Guarded, api: str) -> None:
    with pytest.raises(BusRefusedError, match="permissions violation"):
        await ask_api((await guarded.bus("gateway")).wire, api, {})


async def test_a_gateway_says_no_facts_of_actors(guarded: Guarded) -> None:
    with pytest.raises(BusRefusedError, match="permissions violation"):
        await (await guarded.bus("gateway")).publish(envelope("video.ready.*.*"))


async def test_the_undertaker_buries_what_used_up_its_deliveries(guarded: Guarded) -> None:
    order = await (await guarded.bus("gateway")).publish(envelope("work.uploader.*.*"))
    uploader = await guarded.bus("uploader")
    durable = next(one for one in UPLOADER.durables if (one.stream, one.name) == ("WORK", "uploader-normal"))
    for _ in range(durable.max_deliver):
        await _nak_one(uploader, durable)
    # The server notices that deliveries are used up when it would deliver once more.
    idle = await uploader.open_inlet(durable, lambda _delivery: None, lambda _count: None)
    await idle.request(1, 3.0)
    bus = await guarded.bus("undertaker")
    assert (await take(bus, ADVISORY_DURABLE)).attempt == 1
    assert await bus.find("WORK", order.sequence) is not None
    await bus.publish(envelope("dead.uploader.*.*"))
    await bus.publish(envelope("video.failed.*.*"))
    assert await bus.remove("WORK", order.sequence)


async def test_the_gateway_looks_at_queues(guarded: Guarded) -> None:
    found = {(one.stream, one.durable) for one in await queues(await guarded.bus("gateway"))}
    assert ("EVENTS", "uploader-normal") in found


async def test_the_admin_schedules_and_looks_at_queues(guarded: Guarded) -> None:
    admin = await guarded.bus("admin")
    assert await schedule.every(admin, "schedule.uploader.sweep", 3600, envelope("work.uploader.*.*"))
    await (await guarded.bus("gateway")).publish(envelope("upload.completed.*.*"))
    [queue] = [
        one for one in await queues(admin) if one.durable == "uploader-normal" and one.stream == "EVENTS"
    ]
    assert (queue.pending, queue.in_flight) == (1, 0)
    assert queue.oldest_age_seconds is not None
    assert queue.oldest_age_seconds < 60


async def test_a_stranger_is_not_let_in(guarded: Guarded) -> None:
    with pytest.raises(BusRefusedError, match=r"(?i)authorization"):
        async with connect(guarded.server.url, name="admin", seed=new_seed(), connect_seconds=1):
            raise AssertionError("let in")


async def test_revoked_access_is_regained_without_a_restart(guarded: Guarded) -> None:
    bus = await guarded.bus("uploader")
    file = guarded.server.directory / "permissions.conf"
    rendered = file.read_text()
    file.write_text(rendered.replace(f"${key_variable('uploader')}\n", f"{public(new_seed())}\n"))
    guarded.server.reload()
    await until(lambda: not bus.wire.connected)
    file.write_text(rendered)
    guarded.server.reload()
    await until(lambda: bus.wire.connected)
    assert (await bus.publish(envelope("video.uploaded.*.*"))).sequence


async def test_the_server_configuration_is_accepted_with_keys_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "permissions.conf").write_text(permissions_conf(ACTORS))
    server = NatsServer(tmp_path)
    listening = SERVER_CONF.replace("0.0.0.0:4222", f"127.0.0.1:{server.port}")
    listening = listening.replace("0.0.0.0:8222", f"127.0.0.1:{server.monitor_port}")
    server.config = lambda: listening  # type: ignore[method-assign]
    server.environment = {key_variable(name): public(new_seed()) for name in USERS}
    server.environment |= {"TRUTHTOK_NATS_NAME": "one", "TRUTHTOK_NATS_STORE": str(tmp_path / "store")}
    async with running(server):
        assert server.monitor("/varz")["server_name"] == "one"


async def _nak_one(bus: Bus, durable: Durable) -> None:
    got: list[Delivery] = []
    inlet = await bus.open_inlet(durable, got.append, lambda _count: None)
    await inlet.request(1, 3.0)
    await until(lambda: bool(got))
    await got[0].nak(0.0)
    await inlet.close()


async def _all_answered(bus: JetStreamBus, durable: Durable) -> bool:
    [queue] = [
        one for one in await queues(bus) if (one.stream, one.durable) == (durable.stream, durable.name)
    ]
    return (queue.pending, queue.in_flight) == (0, 0)
