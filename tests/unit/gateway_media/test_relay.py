import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest

from gateway.relay import BATCH_LINES, Relay
from storage.errors import StorageUnavailableError
from storage.memory.storage import MemoryStorage
from storage.records import OutboxLine
from subjects.bus import BusRefusedError, BusUnavailableError, Receipt
from subjects.codec import Envelope, seal
from subjects.memory import MemoryBus
from subjects.message import Priority
from subjects.upload import UploadCompleted
from tests.unit.gateway_media.house import until

PATIENT_SECONDS = 3600.0


class Line(MemoryBus):
    """A bus that may be down, or refuse a message."""

    down = False
    refused: frozenset[str] = frozenset()

    async def publish(self, envelope: Envelope) -> Receipt:
        if self.down:
            raise BusUnavailableError("no answer")
        if envelope.headers["Nats-Msg-Id"] in self.refused:
            raise BusRefusedError("no stream")
        return await super().publish(envelope)

    @property
    def said(self) -> list[str]:
        return [stored.headers["Nats-Msg-Id"] for stored in self.streams["EVENTS"].messages.values()]


def _promise(storage: MemoryStorage, *names: str) -> None:
    for number, name in enumerate(names, 1):
        message = UploadCompleted(
            video_id=UUID(int=number),
            upload_id=UUID(int=number),
            segment_keys=(),
            size_bytes=0,
            content_type="video/mp4",
            completed_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        storage.outbox.state.promise(seal(message, message_id=name, priority=Priority.NORMAL))


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def bus() -> Line:
    return Line()


@asynccontextmanager
async def _running(relay: Relay) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(stop))
        yield
        stop.set()


async def test_promises_are_said_in_order_and_crossed_out(storage: MemoryStorage, bus: Line) -> None:
    _promise(storage, *"abc")
    assert await Relay(storage.outbox, bus).sweep() == 3
    assert bus.said == ["a", "b", "c"]
    assert not await storage.outbox.pending(10)


async def test_a_kick_wakes_the_relay(storage: MemoryStorage, bus: Line) -> None:
    relay = Relay(storage.outbox, bus, PATIENT_SECONDS)
    async with _running(relay):
        _promise(storage, "a")
        relay.kick()
        await until(lambda: _holds(bus.said == ["a"]))


async def test_lines_of_other_processes_are_found(storage: MemoryStorage, bus: Line) -> None:
    async with _running(Relay(storage.outbox, bus, 0.01)):
        _promise(storage, "a")
        await until(lambda: _holds(bus.said == ["a"]))


async def test_what_is_promised_at_the_end_is_still_said(storage: MemoryStorage, bus: Line) -> None:
    async with _running(Relay(storage.outbox, bus, PATIENT_SECONDS)):
        _promise(storage, "a")
    assert bus.said == ["a"]


async def test_an_outage_of_the_bus_loses_nothing(storage: MemoryStorage, bus: Line) -> None:
    bus.down = True
    _promise(storage, "a", "b")
    async with _running(Relay(storage.outbox, bus, 0.01)):
        await asyncio.sleep(0)
        bus.down = False
        await until(lambda: _holds(bus.said == ["a", "b"]))


class _Flaky:
    """An outbox that does not answer at first, nor when it should forget."""

    def __init__(self, storage: MemoryStorage) -> None:
        self.outbox, self.failures = storage.outbox, 2

    async def pending(self, limit: int, after_id: int = 0) -> list[OutboxLine]:
        self._fail()
        return await self.outbox.pending(limit, after_id)

    async def cross_out(self, ids: list[int]) -> None:
        self._fail()
        await self.outbox.cross_out(ids)

    def _fail(self) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise StorageUnavailableError("no answer")


async def test_an_outage_of_storage_says_nothing_twice(storage: MemoryStorage, bus: Line) -> None:
    _promise(storage, "a")
    async with _running(Relay(_Flaky(storage), bus, 0.001)):
        await until(lambda: _is_empty(storage))
    assert bus.said == ["a"]


async def test_two_relays_are_harmless(storage: MemoryStorage, bus: Line) -> None:
    _promise(storage, *"abcdef")
    await asyncio.gather(*(Relay(storage.outbox, bus).sweep() for _ in range(2)))
    assert sorted(bus.said) == sorted("abcdef")


async def test_a_refused_line_holds_nobody_up(storage: MemoryStorage, bus: Line) -> None:
    bus.refused = frozenset("b")
    _promise(storage, *"abc")
    with pytest.raises(BusRefusedError):
        await Relay(storage.outbox, bus).sweep()
    assert bus.said == ["a", "c"]
    assert [line.headers["Nats-Msg-Id"] for line in await storage.outbox.pending(10)] == ["b"]


async def test_more_refused_lines_than_are_read_at_once_hold_nobody_up(
    storage: MemoryStorage, bus: Line
) -> None:
    refused = [f"refused-{number}" for number in range(2 * BATCH_LINES + 1)]
    bus.refused = frozenset(refused)
    _promise(storage, *refused, "a")
    with pytest.raises(BusRefusedError):
        await Relay(storage.outbox, bus).sweep()
    assert bus.said == ["a"]
    assert len(await storage.outbox.pending(1000)) == len(refused)


async def _holds(condition: bool) -> bool:
    return condition


async def _is_empty(storage: MemoryStorage) -> bool:
    return not await storage.outbox.pending(1)
