"""The twin with a clock moved by hand: what takes a real server minutes."""

from datetime import timedelta

from subjects import schedule
from subjects.bus import Delivery
from subjects.codec import MESSAGE_ID, Envelope
from subjects.memory import ManualClock, MemoryBus
from subjects.streams import DUPLICATE_WINDOW_SECONDS, Durable

PROBER = Durable("EVENTS", "prober-normal", ("video.uploaded.normal.*",), 30.0, 3)
UPLOADED = Envelope("video.uploaded.normal.1", b"{}", {MESSAGE_ID: "once"})


async def test_an_unanswered_message_comes_again_when_its_ack_wait_is_over() -> None:
    clock, got, returned = ManualClock(), list[Delivery](), list[int]()
    bus = MemoryBus(clock=clock)
    await bus.publish(UPLOADED)
    inlet = await bus.open_inlet(PROBER, got.append, returned.append)
    await inlet.request(2, 100.0)
    await clock.advance(29.9)
    assert [one.attempt for one in got] == [1]
    await clock.advance(0.2)
    assert [one.attempt for one in got] == [1, 2]
    await clock.advance(100.0)
    assert returned == []


async def test_a_standing_request_is_given_back_when_its_time_is_over() -> None:
    clock, got, returned = ManualClock(), list[Delivery](), list[int]()
    inlet = await MemoryBus(clock=clock).open_inlet(PROBER, got.append, returned.append)
    await inlet.request(4, 60.0)
    await clock.advance(59.0)
    assert returned == []
    await clock.advance(1.0)
    assert (got, returned) == ([], [4])


async def test_an_id_is_forgotten_after_the_duplicate_window() -> None:
    clock = ManualClock()
    bus = MemoryBus(clock=clock)
    assert not (await bus.publish(UPLOADED)).duplicate
    await clock.advance(DUPLICATE_WINDOW_SECONDS)
    assert (await bus.publish(UPLOADED)).duplicate
    await clock.advance(1.0)
    assert not (await bus.publish(UPLOADED)).duplicate


async def test_a_recurring_schedule_leaves_one_order_waiting() -> None:
    clock = ManualClock()
    bus = MemoryBus(clock=clock)
    order = Envelope("work.expirer.low.0", b"{}", {MESSAGE_ID: "a", "Truthtok-Subject": "work.expirer"})
    assert await schedule.every(bus, "schedule.expirer.sweep", 60, order)
    await clock.advance(200.0)
    [waiting] = [one async for one in bus.history("WORK", ("work.>",))]
    assert (waiting.sequence, waiting.headers["Truthtok-Subject"]) == (4, "work.expirer")
    assert await schedule.cancel(bus, "schedule.expirer.sweep")
    await clock.advance(200.0)
    assert [one.sequence async for one in bus.history("WORK", (">",))] == [4]


async def test_a_schedule_for_a_moment_is_said_once_and_can_be_moved() -> None:
    clock = ManualClock()
    bus = MemoryBus(clock=clock)
    order = Envelope("work.eraser.low.1", b"{}")
    assert await schedule.at(bus, "schedule.eraser.1", clock.now() + timedelta(hours=1), order)
    assert not await schedule.at(bus, "schedule.eraser.1", clock.now() + timedelta(hours=1), order)
    assert await schedule.at(bus, "schedule.eraser.1", clock.now() + timedelta(hours=2), order)
    await clock.advance(3700.0)
    assert [one.subject async for one in bus.history("WORK", ("work.>",))] == []
    await clock.advance(3700.0)
    assert [one.subject async for one in bus.history("WORK", (">",))] == ["work.eraser.low.1"]
