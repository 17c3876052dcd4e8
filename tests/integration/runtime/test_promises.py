"""What the runtime promises, each against a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from actors.core.context import Context
from actors.core.errors import Reject, Retry
from actors.core.host import Host
from subjects import dead_letters, schedule, video
from subjects.bus import Bus, Stored
from subjects.codec import open_message, seal
from subjects.jetstream import connect
from subjects.message import Message, Priority
from subjects.stage import StageSkipped
from subjects.video import VideoReady
from subjects.work import SWEEP, SweepDue
from tests.toy_actors import JoiningToy, SingleToy, Toy, host_of, prepare, probed, said, uploaded

WAIT_SECONDS = 15.0


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    async with connect(nats_url, name="test") as opened:
        await prepare(opened)
        yield opened


@asynccontextmanager
async def running(host: Host) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(host.run(stop))
        try:
            yield
        finally:
            stop.set()


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


async def stored(bus: Bus, stream: str, pattern: str) -> list[Stored]:
    return [one async for one in bus.history(stream, (pattern,))]


def holds(bus: Bus, stream: str, pattern: str, count: int) -> Callable[[], Awaitable[bool]]:
    async def held() -> bool:
        return len(await stored(bus, stream, pattern)) >= count

    return held


class Memory:
    """A handler that remembers and does as it is told."""

    def __init__(self, *acts: Callable[[Context], Awaitable[None]]) -> None:
        self.acts = list(acts)
        self.seen: list[tuple[int, int]] = []

    async def __call__(self, event: Any, ctx: Context) -> tuple[Message, ...]:
        self.seen.append((event.video_id.int, ctx.attempt))
        if self.acts:
            await self.acts.pop(0)(ctx)
        return (probed(event.video_id),)


def raising(error: Exception) -> Callable[[Context], Awaitable[None]]:
    async def act(_ctx: Context) -> None:
        raise error

    return act


async def test_an_answer_is_published_and_the_message_acknowledged(bus: Bus) -> None:
    handler = Memory()
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "EVENTS", video.PROBED.pattern(), 1))
        await asyncio.sleep(1.5)  # longer than the ack wait: an unacknowledged message would come again
    assert handler.seen == [(1, 1)]


async def test_a_redelivery_says_nothing_new(bus: Bus) -> None:
    """The process 'dies' between publishing and acknowledging: the same message is handled twice."""
    handler = Memory()
    host = host_of(bus, Toy(handler))
    carry = host.intakes[0].carry

    async def carry_and_lose_the_first_ack(delivery: Any) -> None:
        if delivery.attempt > 1:
            await carry(delivery)
            return

        class Deaf:
            def __getattr__(self, name: str) -> Any:
                return getattr(delivery, name)

            async def ack(self) -> None:
                return None

        await carry(Deaf())

    host.intakes[0].carry = carry_and_lose_the_first_ack
    async with running(host):
        await bus.publish(said(uploaded(1)))
        await until(lambda: len(handler.seen) == 2)
    assert handler.seen == [(1, 1), (1, 2)]
    assert len(await stored(bus, "EVENTS", video.PROBED.pattern())) == 1


async def test_a_retry_comes_back_after_the_delay_the_handler_chose(bus: Bus) -> None:
    handler = Memory(raising(Retry(0.6, "not yet")))
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "EVENTS", video.PROBED.pattern(), 1))
    assert handler.seen == [(1, 1), (1, 2)]
    assert loop.time() - began >= 0.6


async def test_a_rejected_message_is_buried_with_its_reason_and_never_comes_again(bus: Bus) -> None:
    handler = Memory(raising(Reject("no_good", "it is no good")))
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "DEAD_LETTERS", "dead.>", 1))
        await asyncio.sleep(1.5)  # longer than the ack wait
    (letter,) = await stored(bus, "DEAD_LETTERS", "dead.>")
    assert letter.headers[dead_letters.CODE] == "no_good"
    assert letter.headers[dead_letters.REASON] == "it is no good"
    assert letter.subject == f"dead.prober.normal.{UUID(int=1)}"
    assert len(handler.seen) == 1
    assert len(await stored(bus, "EVENTS", video.FAILED.pattern())) == 1


async def test_an_error_is_retried_until_the_deliveries_are_used_up_then_buried(bus: Bus) -> None:
    handler = Memory(*(raising(ValueError("broken")) for _ in range(9)))
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "DEAD_LETTERS", "dead.>", 1))
    (letter,) = await stored(bus, "DEAD_LETTERS", "dead.>")
    assert [attempt for _, attempt in handler.seen] == [1, 2, 3]
    assert letter.headers[dead_letters.REASON] == "ValueError: broken"
    assert letter.headers[dead_letters.ATTEMPTS] == "3"


async def test_a_replayed_dead_letter_is_handled_like_the_original(bus: Bus) -> None:
    handler = Memory(raising(Reject("no_good", "")))
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "DEAD_LETTERS", "dead.>", 1))
        (letter,) = await stored(bus, "DEAD_LETTERS", "dead.>")
        await dead_letters.replay(bus, letter)
        await until(holds(bus, "EVENTS", video.PROBED.pattern(), 1))
    assert await stored(bus, "DEAD_LETTERS", "dead.>") == []
    assert await stored(bus, "WORK", "work.>") == []


async def test_bytes_that_are_no_message_are_buried_at_once(bus: Bus) -> None:
    good = said(uploaded(1))
    handler = Memory()
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(type(good)(good.subject, b"{not json", good.headers))
        await until(holds(bus, "DEAD_LETTERS", "dead.>", 1))
    letters = [(one.subject, one.headers) for one in await stored(bus, "DEAD_LETTERS", "dead.>")]
    assert [headers[dead_letters.CODE] for _, headers in letters] == ["undecodable"], letters
    assert handler.seen == []


async def test_a_handler_that_reports_may_take_longer_than_the_ack_wait(bus: Bus) -> None:
    async def work_on(ctx: Context) -> None:
        for _ in range(8):
            await asyncio.sleep(0.3)
            await ctx.progress(0.5)

    handler = Memory(work_on)
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "EVENTS", video.PROBED.pattern(), 1))
    assert handler.seen == [(1, 1)]


async def test_progress_reaches_whoever_asks_for_the_latest(bus: Bus) -> None:
    async def report(ctx: Context) -> None:
        await ctx.progress(0.25, "a quarter")

    async with running(host_of(bus, Toy(Memory(report)))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "PROGRESS", "stage.progressed.>", 1))
    (latest,) = await bus.latest("PROGRESS", ("stage.progressed.>",))
    assert latest.subject == f"stage.progressed.normal.{UUID(int=1)}.prober"
    assert b'"fraction":0.25' in latest.body


async def test_a_silent_handler_is_presumed_hung_and_its_message_tried_again(bus: Bus) -> None:
    cancelled = asyncio.Event()

    async def hang(_ctx: Context) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    handler = Memory(hang)
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "EVENTS", video.PROBED.pattern(), 1))
    assert cancelled.is_set()
    assert handler.seen[0] == (1, 1)


async def test_a_replica_claims_no_more_than_its_slots(bus: Bus) -> None:
    go_on = asyncio.Event()
    at_work: list[int] = []

    async def wait(_ctx: Context) -> None:
        at_work.append(1)
        while not go_on.is_set():
            await _ctx.progress(0.1)
            await asyncio.sleep(0.1)

    handler = Memory(*(wait for _ in range(20)))
    host = host_of(bus, Toy(handler))
    for number in range(20):
        await bus.publish(said(uploaded(number)))
    async with running(host):
        await until(lambda: len(at_work) == Toy.delivery.concurrency)
        await asyncio.sleep(0.5)  # it would claim more now, if it claimed more
        assert len(handler.seen) == Toy.delivery.concurrency
        async with asyncio.TaskGroup() as group:
            idle = Memory()
            stop = asyncio.Event()
            group.create_task(host_of(bus, Toy(idle)).run(stop))
            await until(lambda: len(idle.seen) == 20 - Toy.delivery.concurrency)
            stop.set()
        go_on.set()
    assert {number for number, _ in handler.seen + idle.seen} == set(range(20))


async def test_the_urgent_go_first_and_the_patient_are_not_starved(bus: Bus) -> None:
    for number in range(12):
        for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH):
            await bus.publish(
                said(uploaded(100 * list(Priority).index(priority) + number), priority=priority)
            )
    handler = Memory()
    async with running(host_of(bus, SingleToy(handler))):
        await until(lambda: len(handler.seen) == 36)
    order = [number // 100 for number, _ in handler.seen]
    place = {rank: [index for index, one in enumerate(order) if one == rank] for rank in (0, 1, 2)}
    assert sum(place[0]) < sum(place[1]) < sum(place[2])
    assert place[2][0] < place[0][-1], "low waited until the last of high"


async def test_a_join_calls_its_handler_once_when_all_facts_are_there(bus: Bus) -> None:
    joined: list[Any] = []

    async def join(facts: Any, _ctx: Context) -> tuple[Message, ...]:
        joined.append(facts)
        return (VideoReady(video_id=facts.video_id),)

    skipped = StageSkipped(video_id=UUID(int=1), stage="thumbnailer", reason="no_frames", detail="")
    async with running(host_of(bus, JoiningToy(join))):
        await bus.publish(said(probed(UUID(int=1))))
        await bus.publish(said(skipped))
        await bus.publish(said(probed(UUID(int=2))))
        await until(holds(bus, "EVENTS", video.READY.pattern(), 1))
        await asyncio.sleep(0.3)  # the other video's fact must not fire
    (facts,) = joined
    assert facts.video_id == UUID(int=1)
    assert facts.find(StageSkipped) == skipped


async def test_scheduled_work_is_said_by_the_server_again_and_again(bus: Bus) -> None:
    sweep = seal(SweepDue(), message_id="", priority=Priority.LOW)
    assert await schedule.every(bus, "schedule.expirer.sweep", 1, sweep)
    first = await only_order(bus)
    assert open_message(first.subject, first.headers, first.body) == SweepDue()
    await bus.remove("WORK", first.sequence)
    assert (await only_order(bus)).sequence > first.sequence


async def only_order(bus: Bus) -> Stored:
    await until(holds(bus, "WORK", SWEEP.pattern(), 1))
    (order,) = await stored(bus, "WORK", SWEEP.pattern())
    return order


async def test_a_draining_replica_takes_nothing_more_and_costs_no_delivery(bus: Bus) -> None:
    """Its idle slots stand in line when it is told to stop; a message that comes now is not handed around."""
    go_on = asyncio.Event()

    async def wait(ctx: Context) -> None:
        while not go_on.is_set():
            await ctx.progress(0.1)
            await asyncio.sleep(0.05)

    busy = Memory(wait)
    stop = asyncio.Event()
    host = asyncio.ensure_future(host_of(bus, Toy(busy), grace_seconds=10).run(stop))
    await bus.publish(said(uploaded(1)))
    await until(lambda: bool(busy.seen))
    stop.set()
    await asyncio.sleep(0.1)
    await bus.publish(said(uploaded(2)))
    other = Memory()
    async with running(host_of(bus, Toy(other))):
        await until(lambda: bool(other.seen))
    go_on.set()
    await host
    assert other.seen == [(2, 1)]
    assert busy.seen == [(1, 1)]


async def test_a_hung_handler_costs_one_delivery_each_time(bus: Bus) -> None:
    async def hang(_ctx: Context) -> None:
        await asyncio.sleep(60)

    handler = Memory(hang, hang)
    async with running(host_of(bus, Toy(handler))):
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "EVENTS", video.PROBED.pattern(), 1))
    assert handler.seen == [(1, 1), (1, 2), (1, 3)]


async def test_an_answer_that_the_redelivery_overtakes_is_not_waited_out(bus: Bus) -> None:
    handler = Memory(raising(Retry(0.0, "at once")), raising(Retry(0.0, "at once")))
    loop = asyncio.get_running_loop()
    async with running(host_of(bus, SingleToy(handler))):
        began = loop.time()
        await bus.publish(said(uploaded(1)))
        await until(holds(bus, "EVENTS", video.PROBED.pattern(), 1))
    assert [attempt for _, attempt in handler.seen] == [1, 2, 3]
    assert loop.time() - began < SingleToy.delivery.ack_wait
