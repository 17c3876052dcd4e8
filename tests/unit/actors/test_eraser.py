from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from actors.eraser import TRACES_KEPT, Eraser
from subjects.bus import Stored
from subjects.codec import SUBJECT, Envelope, open_message
from subjects.dead_letters import dead_letter
from subjects.memory import ManualClock, MemoryBus
from subjects.video import VideoDeleted
from subjects.work import TracesDue
from tests.unit.actors.conftest import VIDEO

OTHER = UUID(int=9)
DELETED = VideoDeleted(video_id=VIDEO)
TRACES = TracesDue(video_id=VIDEO)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def bus(clock: ManualClock) -> MemoryBus:
    return MemoryBus(clock=clock)


@pytest.fixture
def eraser(objects: Any, bus: MemoryBus, clock: ManualClock) -> Eraser:
    return Eraser(objects, bus, clock.now)


async def say(bus: MemoryBus, name: str, video_id: UUID = VIDEO, facet: str = "") -> Stored:
    subject = f"{name}.normal.{video_id}{facet}"
    receipt = await bus.publish(Envelope(subject, b"{}", {SUBJECT: name}))
    stored = await bus.find(receipt.stream, receipt.sequence)
    assert stored is not None
    return stored


async def kept(bus: MemoryBus, stream: str) -> list[str]:
    return [stored.subject async for stored in bus.history(stream, (">",))]


async def test_a_deleted_video_leaves_no_object_and_others_keep_theirs(
    eraser: Eraser, objects: Any, reports: Any
) -> None:
    for key in (
        f"videos/{VIDEO}/original.mp4",
        f"videos/{VIDEO}/poster-320.jpg",
        f"videos/{OTHER}/original.mp4",
    ):
        await objects.put(key, b"x")
    await eraser.handle(DELETED, reports.ctx)
    assert list(objects.objects) == [f"videos/{OTHER}/original.mp4"]


async def test_what_was_said_stays_while_somebody_may_still_work_on_it(
    eraser: Eraser, bus: MemoryBus, reports: Any
) -> None:
    await say(bus, "video.probed")
    await eraser.handle(DELETED, reports.ctx)
    assert await kept(bus, "EVENTS") == [f"video.probed.normal.{VIDEO}"]


async def test_the_order_to_forget_comes_a_day_later_and_once(
    eraser: Eraser, bus: MemoryBus, clock: ManualClock, reports: Any
) -> None:
    await eraser.handle(DELETED, reports.ctx)
    await eraser.handle(DELETED, reports.ctx)
    await clock.advance((TRACES_KEPT - timedelta(seconds=1)).total_seconds())
    orders = ("work.eraser.*.*",)
    assert [one async for one in bus.history("WORK", orders)] == []
    await clock.advance(2.0)
    (order,) = [one async for one in bus.history("WORK", orders)]
    assert order.subject == f"work.eraser.low.{VIDEO}"
    assert open_message(order.subject, order.headers, order.body) == TRACES


async def test_a_day_later_nothing_is_left_of_what_was_said_but_the_deletion(
    eraser: Eraser, bus: MemoryBus, reports: Any
) -> None:
    for name in ("upload.completed", "video.probed", "video.failed", "video.deleted"):
        await say(bus, name)
    await say(bus, "stage.skipped", facet=".thumbnailer")
    await eraser.handle(TRACES, reports.ctx)
    assert await kept(bus, "EVENTS") == [f"video.deleted.normal.{VIDEO}"]


async def test_what_was_said_of_others_stays(eraser: Eraser, bus: MemoryBus, reports: Any) -> None:
    await say(bus, "video.probed", OTHER)
    await say(bus, "stage.skipped", OTHER, ".thumbnailer")
    await bus.publish(dead_letter("prober", await say(bus, "video.uploaded", OTHER), 5, "poison", "died"))
    await eraser.handle(TRACES, reports.ctx)
    assert len(await kept(bus, "EVENTS")) == 3
    assert len(await kept(bus, "DEAD_LETTERS")) == 1


async def test_dead_letters_go_except_the_eraser_s_own(eraser: Eraser, bus: MemoryBus, reports: Any) -> None:
    for actor, name in (("uploader", "upload.completed"), ("eraser", "video.deleted")):
        await bus.publish(dead_letter(actor, await say(bus, name), 5, "out_of_attempts", "no disk"))
    await eraser.handle(TRACES, reports.ctx)
    assert await kept(bus, "DEAD_LETTERS") == [f"dead.eraser.normal.{VIDEO}"]


async def test_a_day_later_objects_that_were_written_late_go_as_well(
    eraser: Eraser, objects: Any, reports: Any
) -> None:
    await eraser.handle(DELETED, reports.ctx)
    await objects.put(f"videos/{VIDEO}/original.mp4", b"late")
    await eraser.handle(TRACES, reports.ctx)
    assert objects.objects == {}


async def test_forgetting_twice_is_no_error_and_orders_nothing(
    eraser: Eraser, bus: MemoryBus, reports: Any
) -> None:
    await say(bus, "video.probed")
    for _ in range(2):
        await eraser.handle(TRACES, reports.ctx)
    assert await kept(bus, "WORK") == []
