"""What both buses promise: `subjects.jetstream` on a real server and `subjects.memory`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from subjects import administration, schedule
from subjects.bus import Bus, BusRefusedError, Delivery, Inlet, Stored
from subjects.codec import MESSAGE_ID, Envelope
from subjects.jetstream import connect
from subjects.memory import MemoryBus
from subjects.streams import STREAMS, Durable
from subjects.wire import ask_api
from tests.nats_servers import until

ACK_WAIT_SECONDS = 0.4
ADVISORIES = Durable("ADVISORIES", "undertaker", ("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",), 10.0, -1)


@dataclass
class House:
    """A bus with the house's streams, and how durables come to be on it."""

    bus: Bus
    ensure: Callable[[Durable], Awaitable[Any]]

    async def open(self, durable: Durable) -> "Replica":
        await self.ensure(durable)
        replica = Replica()
        replica.inlet = await self.bus.open_inlet(durable, replica.take, replica.take_back)
        return replica

    async def say(self, *subjects: str) -> list[int]:
        return [(await self.bus.publish(Envelope(subject, b"{}"))).sequence for subject in subjects]


@dataclass
class Replica:
    """Somebody who asks and keeps count."""

    deliveries: list[Delivery] = field(default_factory=list)
    returned: int = 0
    requested: int = 0
    inlet: Inlet = field(init=False)

    def take(self, delivery: Delivery) -> None:
        assert not delivery.extra
        self.deliveries.append(delivery)

    def take_back(self, count: int) -> None:
        assert count > 0
        self.returned += count

    async def ask(self, count: int, wait_seconds: float = 2.0) -> None:
        self.requested += count
        await self.inlet.request(count, wait_seconds)

    async def get(self, count: int = 1, wait_seconds: float = 2.0) -> list[Delivery]:
        before = len(self.deliveries)
        await self.ask(count, wait_seconds)
        await until(lambda: len(self.deliveries) >= before + count)
        return self.deliveries[before:]

    @property
    def settled(self) -> bool:
        return self.requested == len(self.deliveries) + self.returned

    @property
    def subjects(self) -> list[str]:
        return [delivery.stored.subject for delivery in self.deliveries]


@asynccontextmanager
async def memory() -> AsyncIterator[House]:
    bus = MemoryBus()

    async def ensure(durable: Durable) -> None:
        bus.ensure(durable)

    yield House(bus, ensure)


@asynccontextmanager
async def real(url: str) -> AsyncIterator[House]:
    async with connect(url, name="contract") as bus:

        async def ensure(durable: Durable) -> administration.Applied:
            streams = [one for one in STREAMS if one.name == durable.stream]
            return await administration.apply(bus.wire, streams, [durable])

        for stream in (await ask_api(bus.wire, "STREAM.NAMES")).get("streams") or ():
            await ask_api(bus.wire, f"STREAM.DELETE.{stream}")
        await administration.apply(bus.wire, STREAMS, [])
        yield House(bus, ensure)


@pytest.fixture(params=["memory", "jetstream"])
def bus_url(request: pytest.FixtureRequest) -> str | None:
    """Where the broker is, or None for the twin, which needs no server."""
    return None if request.param == "memory" else request.getfixturevalue("servers").nats_url


@pytest.fixture
async def house(bus_url: str | None) -> AsyncIterator[House]:
    async with memory() if bus_url is None else real(bus_url) as house:
        yield house


def events(name: str = "prober-normal", **changes: Any) -> Durable:
    values = {"ack_wait_seconds": ACK_WAIT_SECONDS, "max_deliver": 5, **changes}
    return Durable("EVENTS", name, values.pop("filters", ("video.uploaded.normal.*",)), **values)


def uploaded(number: int = 1) -> str:
    return f"video.uploaded.normal.{number}"


async def collect(source: AsyncIterator[Stored], count: int) -> list[Stored]:
    found = []
    async with asyncio.timeout(10):
        async for stored in source:
            found.append(stored)
            if len(found) == count:
                break
    return found


async def test_a_receipt_names_the_stream_and_counts_up(house: House) -> None:
    first = await house.bus.publish(Envelope(uploaded(), b"{}"))
    second = await house.bus.publish(Envelope(uploaded(), b"{}"))
    assert (first.stream, first.duplicate, second.sequence) == ("EVENTS", False, first.sequence + 1)


async def test_a_known_message_id_stores_nothing_new(house: House) -> None:
    envelope = Envelope(uploaded(), b"{}", {MESSAGE_ID: uuid4().hex})
    first, again = await house.bus.publish(envelope), await house.bus.publish(envelope)
    assert (again.duplicate, again.sequence) == (True, first.sequence)
    assert len([one async for one in house.bus.history("EVENTS", (uploaded(),))]) == 1


async def test_a_subject_that_no_stream_takes_is_refused(house: House) -> None:
    with pytest.raises(BusRefusedError, match=r"nobody\.home"):
        await house.bus.publish(Envelope("nobody.home", b"{}"))


async def test_a_message_arrives_as_it_was_sent(house: House) -> None:
    replica = await house.open(events())
    sent = Envelope(uploaded(), b'{"a":"\xc3\xa9"}', {"Truthtok-Subject": "video.uploaded", "X": "a: b"})
    receipt = await house.bus.publish(sent)
    [delivery] = await replica.get()
    stored = delivery.stored
    assert (stored.subject, stored.headers, stored.body) == (sent.subject, sent.headers, sent.body)
    assert (stored.sequence, delivery.stream, delivery.attempt) == (receipt.sequence, "EVENTS", 1)
    assert await house.bus.find("EVENTS", receipt.sequence) == stored


async def test_every_durable_gets_every_message(house: House) -> None:
    prober, archivist = await house.open(events()), await house.open(events("archivist-normal"))
    await house.say(uploaded(1), uploaded(2))
    await asyncio.gather(prober.get(2), archivist.get(2))
    assert prober.subjects == archivist.subjects == [uploaded(1), uploaded(2)]


async def test_a_durable_gets_only_what_its_filters_match_and_all_of_it_from_the_beginning(
    house: House,
) -> None:
    await house.say(uploaded(1), "video.uploaded.high.2", "video.probed.normal.3", "stage.skipped.normal.4.x")
    replica = await house.open(events(filters=("stage.skipped.normal.*.x", "video.uploaded.normal.*")))
    await replica.get(2)
    assert replica.subjects == [uploaded(1), "stage.skipped.normal.4.x"]


async def test_replicas_of_one_durable_share_its_messages(house: House) -> None:
    one, two = (
        await house.open(events(ack_wait_seconds=30.0)),
        await house.open(events(ack_wait_seconds=30.0)),
    )
    await one.ask(3)
    await two.ask(3)
    await house.say(*(uploaded(number) for number in range(6)))
    await until(lambda: len(one.deliveries) == len(two.deliveries) == 3)
    assert sorted(one.subjects + two.subjects) == [uploaded(number) for number in range(6)]


async def test_an_order_is_gone_once_it_is_acknowledged(house: House) -> None:
    replica = await house.open(Durable("WORK", "prober-normal", ("work.prober.normal.*",), 30.0, 5))
    [sequence] = await house.say("work.prober.normal.1")
    [delivery] = await replica.get()
    assert await house.bus.find("WORK", sequence) is not None
    await delivery.ack()
    await until(lambda: _gone(house.bus, "WORK", sequence))


async def test_an_event_stays_once_it_is_acknowledged(house: House) -> None:
    replica = await house.open(events())
    [sequence] = await house.say(uploaded())
    [delivery] = await replica.get()
    await delivery.ack()
    await replica.ask(1, 2 * ACK_WAIT_SECONDS)
    await until(lambda: replica.settled)
    assert (replica.returned, (await house.bus.find("EVENTS", sequence)) is not None) == (1, True)


async def test_what_is_not_answered_comes_again_after_the_ack_wait(house: House) -> None:
    replica = await house.open(events())
    await house.say(uploaded())
    started = asyncio.get_running_loop().time()
    await replica.get()
    [again] = await replica.get()
    assert (again.attempt, again.stored.subject) == (2, uploaded())
    assert asyncio.get_running_loop().time() - started >= ACK_WAIT_SECONDS * 0.9


async def test_a_nak_without_delay_comes_again_at_once(house: House) -> None:
    replica = await house.open(events(ack_wait_seconds=30.0))
    await house.say(uploaded(1), uploaded(2))
    [delivery] = await replica.get()
    await delivery.nak(0.0)
    # A request that overtakes the nak finds the other message first: the broker promises no order here.
    both = await replica.get(2)
    assert {(one.stored.subject, one.attempt) for one in both} == {(uploaded(1), 2), (uploaded(2), 1)}


async def test_a_nak_with_delay_comes_again_no_sooner(house: House) -> None:
    replica = await house.open(events(ack_wait_seconds=30.0))
    await house.say(uploaded())
    [delivery] = await replica.get()
    started = asyncio.get_running_loop().time()
    await delivery.nak(0.5)
    await replica.get()
    assert 0.45 <= asyncio.get_running_loop().time() - started < 5


async def test_extending_keeps_a_message_from_coming_again(house: House) -> None:
    replica = await house.open(events())
    await house.say(uploaded())
    [delivery] = await replica.get()
    await replica.ask(1, 3 * ACK_WAIT_SECONDS)
    while not replica.settled:
        await delivery.extend()
        await asyncio.sleep(ACK_WAIT_SECONDS / 8)
    assert replica.returned == 1


async def test_a_terminated_message_does_not_come_again(house: House) -> None:
    replica = await house.open(events())
    await house.say(uploaded())
    [delivery] = await replica.get()
    await delivery.terminate("because")
    await replica.ask(1, 2 * ACK_WAIT_SECONDS)
    await until(lambda: replica.settled)
    assert replica.returned == 1


async def test_each_message_says_how_many_more_wait(house: House) -> None:
    await house.open(events())
    await house.say(*(uploaded(number) for number in range(3)))
    replica = await house.open(events())  # the server has counted what was there before
    assert [one.waiting for one in await replica.get(3)] == [2, 1, 0]


async def test_a_request_for_what_waits_now_gives_back_the_rest_at_once(house: House) -> None:
    replica = await house.open(events())
    await house.say(uploaded(1), uploaded(2))
    started = asyncio.get_running_loop().time()
    await replica.ask(5, 0)
    await until(lambda: replica.settled)
    assert (len(replica.deliveries), replica.returned) == (2, 3)
    assert asyncio.get_running_loop().time() - started < 0.4


async def test_an_expired_request_gives_back_what_it_did_not_get(house: House) -> None:
    replica = await house.open(events(ack_wait_seconds=30.0))
    await replica.ask(3, 0.5)
    await house.say(uploaded())
    await until(lambda: replica.settled)
    assert (len(replica.deliveries), replica.returned) == (1, 2)


async def test_overlapping_requests_are_all_accounted_for(house: House) -> None:
    replica = await house.open(events(ack_wait_seconds=30.0))
    for count, wait in ((3, 0.6), (1, 0), (4, 0.4), (2, 0), (1, 5.0)):
        await replica.ask(count, wait)
    await house.say(*(uploaded(number) for number in range(6)))
    await replica.ask(2, 0)
    await until(lambda: replica.requested - len(replica.deliveries) - replica.returned <= 1)
    await replica.inlet.close()
    assert (replica.settled, len(replica.deliveries)) == (True, 6)


async def test_closing_gives_back_all_that_is_outstanding(house: House) -> None:
    replica = await house.open(events())
    await replica.ask(3, 30.0)
    await replica.ask(2, 30.0)
    await replica.inlet.close()
    assert replica.returned == 5
    await replica.ask(1, 30.0)
    assert replica.returned == 6


async def test_after_closing_messages_go_to_other_replicas(house: House) -> None:
    leaver, stayer = await house.open(events()), await house.open(events())
    await leaver.ask(5, 30.0)
    await leaver.inlet.close()
    await house.say(*(uploaded(number) for number in range(3)))
    await stayer.get(3)
    assert leaver.deliveries == []


async def test_a_message_may_be_answered_after_its_inlet_was_closed(house: House) -> None:
    durable = Durable("WORK", "prober-normal", ("work.prober.normal.*",), 30.0, 5)
    replica = await house.open(durable)
    [sequence] = await house.say("work.prober.normal.1")
    [delivery] = await replica.get()
    await replica.inlet.close()
    await delivery.ack()
    await until(lambda: _gone(house.bus, "WORK", sequence))


async def test_using_up_all_deliveries_is_said_once_and_the_message_stays(house: House) -> None:
    undertaker = await house.open(ADVISORIES)
    durable = Durable("WORK", "prober-normal", ("work.prober.normal.*",), ACK_WAIT_SECONDS / 2, 2)
    replica = await house.open(durable)
    [sequence] = await house.say("work.prober.normal.1")
    await replica.get()
    assert [one.attempt for one in await replica.get()] == [2]
    await replica.ask(1, 1.0)
    [advisory] = await undertaker.get(1, 5.0)
    said = msgspec.json.decode(advisory.stored.body)
    assert {key: said[key] for key in ("stream", "consumer", "stream_seq", "deliveries")} == {
        "stream": "WORK",
        "consumer": "prober-normal",
        "stream_seq": sequence,
        "deliveries": 2,
    }
    await until(lambda: replica.settled)
    assert replica.returned == 1
    assert await house.bus.find("WORK", sequence) is not None


async def test_refusing_the_last_delivery_is_said_as_well(house: House) -> None:
    undertaker = await house.open(ADVISORIES)
    replica = await house.open(events(max_deliver=1, ack_wait_seconds=30.0))
    await house.say(uploaded())
    [delivery] = await replica.get()
    await delivery.nak(0.1)
    await replica.ask(1, 1.0)
    [advisory] = await undertaker.get(1, 5.0)
    assert msgspec.json.decode(advisory.stored.body)["deliveries"] == 1


async def test_latest_gives_the_newest_of_each_subject_of_any_pattern(house: House) -> None:
    await house.say(
        "video.probed.normal.1", uploaded(1), uploaded(2), uploaded(1), "stage.skipped.normal.1.x"
    )
    found = await house.bus.latest("EVENTS", ("video.*.*.1", "stage.*.*.1.*"))
    numbers = [(one.subject, one.sequence) for one in found]
    base = min(sequence for _, sequence in numbers) - 1
    assert [(subject, sequence - base) for subject, sequence in numbers] == [
        ("video.probed.normal.1", 1),
        (uploaded(1), 4),
        ("stage.skipped.normal.1.x", 5),
    ]


async def test_latest_of_nothing_is_empty(house: House) -> None:
    await house.say(uploaded(1))
    assert await house.bus.latest("EVENTS", ("video.*.*.2", "stage.*.*.2.*")) == []


async def test_latest_reaches_the_sequence_that_is_asked_for(house: House) -> None:
    [first, second] = await house.say(uploaded(1), "video.probed.normal.1")
    found = await house.bus.latest("EVENTS", ("video.*.*.1",), at_least=second)
    assert [one.sequence for one in found] == [first, second]


async def test_only_the_latest_progress_is_kept(house: House) -> None:
    await house.say(*["stage.progressed.normal.1.prober"] * 3, "stage.progressed.normal.1.uploader")
    found = [one.subject async for one in house.bus.history("PROGRESS", ("stage.progressed.>",))]
    assert found == ["stage.progressed.normal.1.prober", "stage.progressed.normal.1.uploader"]


async def test_history_is_in_order_after_a_sequence_and_ends(house: House) -> None:
    said = await house.say(*(f"video.{verb}.normal.1" for verb in ("uploaded", "probed", "ready") * 200))
    patterns = ("video.probed.>", "video.*.normal.1", "video.gone.>")
    assert [one.sequence async for one in house.bus.history("EVENTS", patterns)] == said
    assert [one.sequence async for one in house.bus.history("EVENTS", patterns, said[-3])] == said[-2:]
    assert [one async for one in house.bus.history("EVENTS", patterns, said[-1])] == []


async def test_a_tail_yields_what_is_said_after_it_was_opened(house: House) -> None:
    await house.say(uploaded(1))
    async with house.bus.tail("EVENTS", ("video.>", "stage.skipped.>")) as tail:
        said = await house.say(
            uploaded(2), "upload.expired.normal.2", "stage.skipped.normal.2.x", uploaded(3)
        )
        assert [one.sequence for one in await collect(tail, 3)] == [said[0], *said[2:]]


async def test_a_tail_keeps_up_with_many_messages(house: House) -> None:
    async with house.bus.tail("EVENTS", ("video.>",)) as tail:
        saying = asyncio.gather(*(house.say(*[uploaded(number)] * 50) for number in range(40)))
        sequences = [one.sequence for one in await collect(tail, 2000)]
        await saying
    assert sequences == list(range(sequences[0], sequences[0] + 2000))


async def test_a_message_is_found_and_removed_by_its_sequence(house: House) -> None:
    [sequence] = await house.say(uploaded())
    found = await house.bus.find("EVENTS", sequence)
    assert found is not None
    assert found.body == b"{}"
    assert [await house.bus.remove("EVENTS", sequence), await house.bus.remove("EVENTS", sequence)] == [
        True,
        False,
    ]
    assert await house.bus.find("EVENTS", sequence) is None
    assert await house.bus.find("EVENTS", sequence + 100) is None


async def test_what_is_removed_while_somebody_works_on_it_does_not_come_again(house: House) -> None:
    replica = await house.open(events())
    removed, kept = await house.say(uploaded(1), uploaded(2))
    held, other = await replica.get(2)
    assert await house.bus.remove("EVENTS", removed)
    await other.ack()
    await replica.ask(1, 3 * ACK_WAIT_SECONDS)
    await until(lambda: replica.settled)
    assert (replica.returned, replica.subjects) == (1, [uploaded(1), uploaded(2)])
    await held.ack()
    await held.nak(0.0)
    [later] = await house.say(uploaded(3))
    [delivery] = await replica.get()
    assert (delivery.stored.sequence, delivery.waiting) == (later, 0)
    assert await house.bus.find("EVENTS", kept) is not None


async def test_what_is_removed_before_anybody_asked_is_skipped(house: House) -> None:
    removed, kept = await house.say(uploaded(1), uploaded(2))
    await house.bus.remove("EVENTS", removed)
    replica = await house.open(events())
    [delivery] = await replica.get()
    assert (delivery.stored.sequence, delivery.attempt, delivery.waiting) == (kept, 1, 0)


async def test_a_schedule_says_its_order_with_our_headers_and_again(house: House) -> None:
    replica = await house.open(Durable("WORK", "expirer-low", ("work.expirer.low.*",), 30.0, 5))
    order = Envelope("work.expirer.low.0", b"{}", {"Truthtok-Subject": "work.expirer", MESSAGE_ID: "once"})
    assert await schedule.every(house.bus, "schedule.expirer.sweep", 1, order)
    assert not await schedule.every(house.bus, "schedule.expirer.sweep", 1, order)
    for delivery in [*(await replica.get(1, 5.0)), *(await replica.get(1, 5.0))]:
        assert delivery.stored.headers["Truthtok-Subject"] == "work.expirer"
        assert delivery.stored.body == b"{}"
        assert MESSAGE_ID not in delivery.stored.headers
    assert await schedule.cancel(house.bus, "schedule.expirer.sweep")
    assert not await schedule.cancel(house.bus, "schedule.expirer.sweep")


async def test_a_ping_takes_little_time(house: House) -> None:
    assert 0.0 <= await house.bus.ping() < 2.0


async def _gone(bus: Bus, stream: str, sequence: int) -> bool:
    return await bus.find(stream, sequence) is None
