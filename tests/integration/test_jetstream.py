"""What only a real server can show: being killed, being leaderless, electing another leader."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from subjects.administration import apply
from subjects.bus import Bus, BusError, BusRefusedError, BusUnavailableError, Delivery, Inlet, Receipt
from subjects.codec import MESSAGE_ID, Envelope
from subjects.jetstream import connect
from subjects.jetstream_bus import JetStreamBus
from subjects.pull import PAUSE_SECONDS
from subjects.streams import STREAMS, Durable, Stream
from subjects.wire import ask_api
from tests.nats_servers import NatsServer, cluster_of_three, free_port, running, until

PROBER = Durable("EVENTS", "prober-normal", ("video.uploaded.normal.*",), 1.0, -1)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with running(NatsServer(tmp_path)) as server:
        yield server


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[JetStreamBus]:
    async with connect(server.url, name="test") as bus:
        await apply(bus.wire, STREAMS, [PROBER])
        yield bus


def uploaded(number: int) -> Envelope:
    return Envelope(f"video.uploaded.normal.{number}", b"{}", {MESSAGE_ID: f"uploaded-{number}"})


async def persist(bus: Bus, envelope: Envelope) -> int:
    """Publish as a runner does: again and again with the same id."""
    while True:
        try:
            return (await bus.publish(envelope)).sequence
        except BusUnavailableError:
            await asyncio.sleep(0.05)


@dataclass
class Worker:
    """Keeps `slots` requested, acknowledges all it gets, and keeps the books."""

    slots: int = 16
    seen: Counter[str] = field(default_factory=Counter)
    outstanding: int = 0
    deliveries: asyncio.Queue[Delivery] = field(default_factory=asyncio.Queue)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, delivery: Delivery) -> None:
        self.outstanding -= not delivery.extra
        self.deliveries.put_nowait(delivery)
        self.changed.set()

    def take_back(self, returned: int) -> None:
        self.outstanding -= returned
        self.changed.set()

    async def run(self, bus: Bus, durable: Durable, goal: int) -> None:
        """Work until `goal` different messages were seen, then close: nothing may be left outstanding."""
        inlet = await bus.open_inlet(durable, self.take, self.take_back)
        while len(self.seen) < goal:
            self.changed.clear()
            await self._answer()
            await self._ask(inlet)
            await self.changed.wait()
            await self._answer()
        await inlet.close()
        assert self.outstanding == 0

    async def _answer(self) -> None:
        while not self.deliveries.empty():
            delivery = self.deliveries.get_nowait()
            self.seen[delivery.stored.subject] += 1
            await delivery.ack()

    async def _ask(self, inlet: Inlet) -> None:
        free = self.slots - self.outstanding
        if free:
            self.outstanding += free
            await inlet.request(free, 6.0)


async def test_a_killed_server_costs_no_message_and_no_request(server: NatsServer, bus: JetStreamBus) -> None:
    worker, total = Worker(), 1000
    numbers = count()

    async def publish() -> None:
        while (number := next(numbers)) < total:
            await persist(bus, uploaded(number))

    async def kill() -> None:
        await until(lambda: len(worker.seen) > total / 4)
        server.kill()
        server.start()

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(worker.run(bus, PROBER, total))
        group.create_task(kill())
        for _ in range(8):
            group.create_task(publish())
    assert len(worker.seen) == total


async def test_requests_are_given_back_while_there_is_no_server(
    server: NatsServer, bus: JetStreamBus
) -> None:
    worker = Worker()
    inlet = await bus.open_inlet(PROBER, worker.take, worker.take_back)
    worker.outstanding = 4
    await inlet.request(3, 30.0)
    server.kill()
    await until(lambda: not bus.wire.connected)
    await inlet.request(1, 0)
    await until(lambda: worker.outstanding == 3)
    server.start()
    await until(lambda: worker.outstanding == 0)
    await inlet.close()


async def test_closing_while_there_is_no_server_gives_back_all(server: NatsServer, bus: JetStreamBus) -> None:
    worker = Worker(outstanding=3)
    inlet = await bus.open_inlet(PROBER, worker.take, worker.take_back)
    await inlet.request(3, 30.0)
    server.kill()
    await until(lambda: not bus.wire.connected)
    await inlet.close()
    assert worker.outstanding == 0


async def test_a_request_of_a_missing_durable_is_given_back_without_a_hot_loop(bus: JetStreamBus) -> None:
    worker = Worker(outstanding=2)
    loop = asyncio.get_running_loop()
    inlet = await bus.open_inlet(Durable("EVENTS", "nobody", (">",), 1.0, 1), worker.take, worker.take_back)
    started = loop.time()
    await inlet.request(2, 30.0)
    await until(lambda: worker.outstanding == 0)
    assert PAUSE_SECONDS * 0.9 <= loop.time() - started < 5
    await inlet.close()


async def test_a_deleted_durable_gives_back_what_was_requested(bus: JetStreamBus) -> None:
    worker = Worker(outstanding=2)
    inlet = await bus.open_inlet(PROBER, worker.take, worker.take_back)
    await inlet.request(2, 30.0)
    await ask_api(bus.wire, f"CONSUMER.DELETE.EVENTS.{PROBER.name}")
    await until(lambda: worker.outstanding == 0)
    await inlet.close()


async def test_what_arrives_after_closing_goes_back_at_once(server: NatsServer, bus: JetStreamBus) -> None:
    patient = Durable("EVENTS", "patient-normal", PROBER.filters, 60.0, -1)
    await apply(bus.wire, STREAMS[:1], [PROBER, patient])
    first, second = Worker(), Worker()
    leaving = await bus.open_inlet(patient, first.take, first.take_back)
    await leaving.request(50, 30.0)
    async with connect(server.url, name="other") as other:
        saying = asyncio.gather(*(other.publish(uploaded(number)) for number in range(50)))
        await until(lambda: bool(first.deliveries.qsize()))
        await leaving.close()
        await saying
        async with asyncio.timeout(10):
            await second.run(bus, patient, 50 - first.deliveries.qsize())


async def test_a_tail_survives_a_killed_server_without_gap_or_repetition(
    server: NatsServer, bus: JetStreamBus
) -> None:
    async with asyncio.timeout(30), bus.tail("EVENTS", ("video.>",)) as tail:
        sequences = []
        for number in range(300):
            await persist(bus, uploaded(number))
            if number == 100:
                server.kill()
                server.start()
        async for stored in tail:
            sequences.append(stored.sequence)
            if len(sequences) == 300:
                break
    assert sequences == list(range(1, 301))


async def test_a_tail_of_a_stream_in_memory_goes_on_after_the_server_lost_it(
    server: NatsServer, bus: JetStreamBus
) -> None:
    async with asyncio.timeout(30), bus.tail("PROGRESS", ("stage.>",)) as tail:
        for _ in range(5):
            await bus.publish(Envelope("stage.progressed.normal.1.prober", b"before"))
        assert [(await anext(tail)).body for _ in range(5)] == [b"before"] * 5
        server.kill()
        await until(lambda: not bus.wire.connected)
        server.start()
        await until(lambda: bus.wire.connected)
        await apply(bus.wire, STREAMS, [])
        found = asyncio.ensure_future(anext(tail))
        while not found.done():
            await persist(bus, Envelope("stage.progressed.normal.1.prober", b"after"))
            await asyncio.wait([found], timeout=0.1)
        assert (await found).body == b"after"


async def test_a_slow_reader_of_a_tail_is_waited_for(bus: JetStreamBus) -> None:
    body = b"x" * 20_000
    async with asyncio.timeout(60), bus.tail("EVENTS", ("video.>",)) as tail:
        for start in range(0, 4000, 100):
            await asyncio.gather(
                *(
                    bus.publish(Envelope(f"video.uploaded.normal.{number}", body))
                    for number in range(start, start + 100)
                )
            )
        assert [(await anext(tail)).sequence for _ in range(4000)] == list(range(1, 4001))


async def test_publishing_is_unavailable_while_the_server_is_down_and_then_works(
    server: NatsServer, bus: JetStreamBus
) -> None:
    server.kill()
    with pytest.raises(BusUnavailableError):
        await bus.publish(uploaded(1))
    with pytest.raises(BusUnavailableError):
        await bus.ping()
    server.start()
    await until(lambda: bus.wire.connected)
    assert (await bus.publish(uploaded(1))).sequence == 1


async def test_an_unreachable_server_is_said_clearly() -> None:
    port = free_port()
    with pytest.raises(BusUnavailableError, match=rf"127\.0\.0\.1:{port} within 0\.5 s"):
        async with connect(f"nats://user:secret@127.0.0.1:{port}", name="test", connect_seconds=0.5):
            raise AssertionError("connected")


async def test_a_server_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)

    async def start_late() -> None:
        await asyncio.to_thread(server.start)

    async with asyncio.TaskGroup() as group:
        group.create_task(start_late())
        async with connect(server.url, name="test", connect_seconds=10) as bus:
            assert await bus.ping() < 2
    server.stop()


async def test_a_body_that_is_too_large_is_refused(bus: JetStreamBus) -> None:
    with pytest.raises(BusRefusedError, match="maximum payload"):
        await bus.publish(Envelope("video.uploaded.normal.1", b"x" * 2_000_000))


async def test_a_missing_stream_is_refused_by_every_reading(bus: JetStreamBus) -> None:
    with pytest.raises(BusError):
        await bus.find("NOWHERE", 1)
    with pytest.raises(BusError):
        await bus.latest("NOWHERE", (">",))
    with pytest.raises(BusError):
        async with bus.tail("NOWHERE", (">",)):
            raise AssertionError("opened")


async def test_applying_twice_changes_nothing_and_many_at_once_agree(server: NatsServer) -> None:
    async with connect(server.url, name="admin") as bus:
        applied = await asyncio.gather(*(apply(bus.wire, STREAMS, [PROBER]) for _ in range(4)))
        assert {name for one in applied for name in one.created} >= {"EVENTS", "EVENTS.prober-normal"}
        again = await apply(bus.wire, STREAMS, [PROBER])
        assert not again.changed


async def test_applying_updates_filters_in_place_and_lists_what_nobody_declares(bus: JetStreamBus) -> None:
    wider = Durable("EVENTS", PROBER.name, (*PROBER.filters, "video.ready.normal.*"), 2.0, 7)
    assert (await apply(bus.wire, STREAMS, [wider])).updated == ["EVENTS.prober-normal"]
    assert (await apply(bus.wire, STREAMS, [])).undeclared == ["EVENTS.prober-normal"]
    assert (await apply(bus.wire, STREAMS, [], delete_undeclared=True)).deleted == ["EVENTS.prober-normal"]
    assert (await apply(bus.wire, STREAMS, [])).undeclared == []


async def test_applying_refuses_to_change_what_only_deleting_could_change(bus: JetStreamBus) -> None:
    other = Stream("EVENTS", STREAMS[0].subjects, "another", retention="workqueue")
    with pytest.raises(
        BusRefusedError, match="stream EVENTS has retention 'limits', declared is 'workqueue'"
    ):
        await apply(bus.wire, [other], [])


@pytest.mark.timeout(90)
async def test_a_cluster_loses_nothing_when_the_streams_leader_steps_down_and_is_killed(
    tmp_path: Path,
) -> None:
    async with cluster_of_three(tmp_path) as servers:
        by_name = {server.name: server for server in servers}
        async with connect([server.url for server in servers], name="test", connect_seconds=20) as bus:
            await _apply_replicated(bus)
            worker, total, numbers, kept = Worker(slots=32), 2000, count(), []

            async def publish() -> None:
                while (number := next(numbers)) < total:
                    kept.append(await persist(bus, uploaded(number)))

            async def upset() -> None:
                await until(lambda: len(worker.seen) > total / 5, 30)
                await ask_api(bus.wire, "STREAM.LEADER.STEPDOWN.EVENTS")
                await until(lambda: len(worker.seen) > total / 2, 30)
                by_name[await _leader(bus)].kill()

            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                group.create_task(worker.run(bus, PROBER, total))
                group.create_task(upset())
                for _ in range(8):
                    group.create_task(publish())
            assert len(worker.seen) == len(set(kept)) == total
            newest = max(kept)
            found = await bus.latest("EVENTS", ("video.uploaded.normal.7",), at_least=1)
            assert [one.subject for one in found] == ["video.uploaded.normal.7"]
            history = [one.sequence async for one in bus.history("EVENTS", ("video.>",))]
            assert history[-1] == newest
            assert set(history) >= set(kept)


@pytest.mark.timeout(60)
async def test_in_a_cluster_reading_sees_what_was_stored_before(tmp_path: Path) -> None:
    async with cluster_of_three(tmp_path) as [one, two, three], connect(one.url, name="one") as writer:
        await _apply_replicated(writer)
        async with connect(two.url, name="two") as second, connect(three.url, name="three") as third:
            for number in range(200):
                receipt = await _said(writer, number)
                subject = f"video.uploaded.normal.{number}"
                for reader in (second, third):
                    [asked] = await reader.latest("EVENTS", (subject,))
                    [told] = await reader.latest("EVENTS", (subject,), at_least=receipt.sequence)
                    assert asked == told
                    history = reader.history("EVENTS", ("video.>",), receipt.sequence - 1)
                    assert [found.sequence async for found in history] == [receipt.sequence]


async def _said(bus: JetStreamBus, number: int) -> Receipt:
    """Publish as the port asks: an unavailable broker is told again, with the same id."""
    async with asyncio.timeout(20):
        while True:
            with suppress(BusUnavailableError):
                return await bus.publish(uploaded(number))


async def _apply_replicated(bus: JetStreamBus) -> None:
    """Streams may be refused until every server has joined."""
    async with asyncio.timeout(30):
        while True:
            try:
                await apply(bus.wire, STREAMS, [PROBER], replicas=3)
            except BusError:
                await asyncio.sleep(0.2)
            else:
                return


async def _leader(bus: JetStreamBus) -> str:
    while True:
        try:
            leader = (await ask_api(bus.wire, "STREAM.INFO.EVENTS"))["cluster"].get("leader")
        except BusUnavailableError:
            leader = None
        if leader:
            return str(leader)
        await asyncio.sleep(0.05)
