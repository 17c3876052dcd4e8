"""Looks at whether somebody sees a video: shared, but never with who needs a later one."""

import asyncio

import pytest

from gateway.sights import Sights
from storage.errors import StorageUnavailableError


class Eyes:
    """What is looked up, when a test lets it be found."""

    def __init__(self):
        self.looks, self.answer, self.open = 0, True, asyncio.Event()
        self.open.set()

    async def __call__(self):
        self.looks += 1
        answer = self.answer
        await self.open.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def eyes():
    return Eyes()


@pytest.fixture
def now():
    return [10.0]


@pytest.fixture
def sights(now):
    return Sights(clock=lambda: now[0])


async def test_an_older_look_will_do_unless_a_later_one_is_needed(sights, eyes, now):
    assert await sights.sees("v", 10.0, eyes)
    now[0] = 15.0
    assert await sights.sees("v", 10.0, eyes)
    assert eyes.looks == 1
    eyes.answer = False
    assert not await sights.sees("v", 10.5, eyes)
    assert eyes.looks == 2


async def test_a_look_under_way_is_not_for_what_came_after_it_began(sights, eyes, now):
    eyes.open.clear()
    early = asyncio.create_task(sights.sees("v", 10.0, eyes))
    while not eyes.looks:
        await asyncio.sleep(0)
    now[0], eyes.answer = 11.0, False
    late = asyncio.create_task(sights.sees("v", 11.0, eyes))
    while eyes.looks < 2:
        await asyncio.sleep(0)
    eyes.open.set()
    assert (await early, await late) == (True, False)
    assert eyes.looks == 2


async def test_who_leaves_takes_the_look_from_nobody_else(sights, eyes):
    eyes.open.clear()
    first, second = (asyncio.create_task(sights.sees("v", 10.0, eyes)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    eyes.open.set()
    assert await second
    assert eyes.looks == 1


@pytest.mark.parametrize("answer", [False, StorageUnavailableError("gone")])
async def test_only_what_was_seen_is_remembered(sights, eyes, answer):
    eyes.answer = answer
    told = await asyncio.gather(*(sights.sees("v", 0.0, eyes) for _ in range(3)), return_exceptions=True)
    assert told == [answer] * 3
    assert eyes.looks == 1
    eyes.answer = True
    assert await sights.sees("v", 0.0, eyes)


async def test_others_looks_are_not_shared_and_memory_is_bounded(eyes):
    sights = Sights(capacity=10)
    for number in range(100):
        assert await sights.sees(number, 0.0, eyes)
    assert (eyes.looks, len(sights._looks)) == (100, 10)
