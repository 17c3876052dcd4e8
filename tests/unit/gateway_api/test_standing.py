import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.seldom import Seldom
from gateway.identity.standing import KEPT_SECONDS, Standings
from storage.errors import StorageUnavailableError
from storage.identity_records import Standing

USER, OTHER, SESSION = UUID(int=1), UUID(int=2), UUID(int=9)


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


class Source:
    """Answers look-ups, slowly once its gate is shut."""

    def __init__(self, user_id=USER):
        self.standing = Standing(user_id=user_id, role="creator")
        self.count = 0
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.fails = False

    async def __call__(self):
        self.count += 1
        standing = self.standing
        self.begun.set()
        await self.gate.wait()
        if self.fails:
            raise StorageUnavailableError("gone")
        return standing


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def standings(clock):
    return Standings(clock=clock)


async def test_what_was_found_is_remembered_for_five_seconds(standings, clock):
    source = Source()
    for _ in range(3):
        assert (await standings.find(SESSION, source)) == source.standing
    clock.seconds = KEPT_SECONDS - 0.01
    await standings.find(SESSION, source)
    assert source.count == 1
    clock.seconds = KEPT_SECONDS
    source.standing = None
    assert await standings.find(SESSION, source) is None
    assert source.count == 2


async def test_that_there_was_nothing_is_remembered_too(standings):
    source = Source()
    source.standing = None
    assert [await standings.find(SESSION, source) for _ in range(3)] == [None] * 3
    assert source.count == 1


async def test_many_at_once_look_up_once(standings):
    source = Source()
    source.gate.clear()
    asking = [asyncio.create_task(standings.find(SESSION, source)) for _ in range(50)]
    await source.begun.wait()
    source.gate.set()
    assert set(await asyncio.gather(*asking)) == {source.standing}
    assert source.count == 1


async def test_a_failed_look_up_is_told_to_all_who_wait_and_not_remembered(standings):
    source = Source()
    source.fails = True
    source.gate.clear()
    asking = [asyncio.create_task(standings.find(SESSION, source)) for _ in range(3)]
    await source.begun.wait()
    source.gate.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(error) for error in told] == [StorageUnavailableError] * 3
    source.fails = False
    assert await standings.find(SESSION, source) == source.standing


async def test_when_who_looks_up_is_given_up_the_next_does(standings):
    source = Source()
    source.gate.clear()
    first = asyncio.create_task(standings.find(SESSION, source))
    await source.begun.wait()
    second = asyncio.create_task(standings.find(SESSION, source))
    await asyncio.sleep(0)
    source.begun.clear()
    first.cancel()
    await source.begun.wait()
    source.gate.set()
    assert await second == source.standing
    assert source.count == 2
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_one_who_waits_can_be_given_up_alone(standings):
    source = Source()
    source.gate.clear()
    first = asyncio.create_task(standings.find(SESSION, source))
    await source.begun.wait()
    second = asyncio.create_task(standings.find(SESSION, source))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    source.gate.set()
    assert await first == source.standing


async def test_what_is_forgotten_is_looked_up_anew_and_nothing_else(standings):
    mine, theirs = Source(), Source(OTHER)
    await standings.find(SESSION, mine)
    await standings.find(b"key", theirs)
    standings.forget(USER)
    await standings.find(SESSION, mine)
    await standings.find(b"key", theirs)
    assert (mine.count, theirs.count) == (2, 1)


async def test_a_look_up_that_was_under_way_when_it_was_forgotten_is_not_remembered(standings):
    source = Source()
    source.gate.clear()
    before = asyncio.create_task(standings.find(SESSION, source))
    await source.begun.wait()
    standings.forget(USER)
    source.standing = None
    source.gate.set()
    assert await before is not None
    assert await standings.find(SESSION, source) is None


@given(st.lists(st.integers(0, 30), max_size=200))
def test_memory_is_bounded(numbers):
    async def fill():
        standings = Standings(capacity=10, clock=Clock())
        for number in numbers:
            await standings.find(UUID(int=number), Source())
            assert len(standings._kept) <= 10

    asyncio.run(fill())


def test_something_seldom_is_due_once_in_its_time(clock):
    seldom = Seldom(60.0, clock=clock)
    assert [seldom.is_time("a"), seldom.is_time("a"), seldom.is_time("b")] == [True, False, True]
    clock.seconds = 59.9
    assert not seldom.is_time("a")
    clock.seconds = 60.0
    assert seldom.is_time("a")


def test_something_seldom_is_remembered_only_so_much(clock):
    seldom = Seldom(60.0, capacity=2, clock=clock)
    assert all(seldom.is_time(name) for name in "abc")
    assert seldom.is_time("a")
    assert len(seldom._last) == 2
