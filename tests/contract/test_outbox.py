"""The contract of the Outbox, for the twin and for Postgres."""

from storage.bundle import Storage
from subjects.codec import Envelope
from tests.contract.storage_values import OWNER, keep, news


async def promise(storage: Storage, count: int) -> list[Envelope]:
    said = [news() for _ in range(count)]
    for envelope in said:
        await storage.videos.remove((await keep(storage)).id, OWNER, envelope)
    return said


async def test_promises_come_back_whole_and_oldest_first(storage: Storage) -> None:
    said = await promise(storage, 3)
    lines = await storage.outbox.pending(2)
    assert [Envelope(line.subject, line.body, line.headers) for line in lines] == said[:2]


async def test_a_promise_stands_until_it_is_crossed_out(storage: Storage) -> None:
    await promise(storage, 2)
    first, second = await storage.outbox.pending(10)
    assert await storage.outbox.pending(10) == [first, second]
    await storage.outbox.cross_out([first.id])
    await storage.outbox.cross_out([first.id])
    assert await storage.outbox.pending(10) == [second]


async def test_crossing_out_nothing_changes_nothing(storage: Storage) -> None:
    await promise(storage, 1)
    await storage.outbox.cross_out([])
    assert len(await storage.outbox.pending(10)) == 1


async def test_an_id_is_never_given_to_another_promise(storage: Storage) -> None:
    await promise(storage, 1)
    (first,) = await storage.outbox.pending(10)
    await storage.outbox.cross_out([first.id])
    await promise(storage, 1)
    (second,) = await storage.outbox.pending(10)
    assert second.id > first.id


async def test_promises_are_read_on_behind_an_id(storage: Storage) -> None:
    await promise(storage, 3)
    first, second, third = await storage.outbox.pending(10)
    assert await storage.outbox.pending(1, first.id) == [second]
    assert await storage.outbox.pending(10, after_id=first.id) == [second, third]
    assert await storage.outbox.pending(10, third.id) == []
