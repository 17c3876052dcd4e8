"""How the memory of uploads is shared out, and who has to make room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.budget import SMALLEST_BYTES, Budget
from gateway.media.exchange import Body
from gateway.media.pace import PACE_BPS, SILENT_SECONDS, WINDOW_SECONDS, Pace
from gateway.problems import ProblemError

MIB = 1024**2
ANN, BEN = UUID(int=1), UUID(int=2)
SIZE = 3 * MIB + SMALLEST_BYTES


async def _nothing() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


def _body() -> Body:
    return Body(_nothing(), 10)


class _Hall:
    """A budget with room for eight uploads of one size."""

    def __init__(self) -> None:
        self.budget, self.stack = Budget(memory_bytes=8 * SIZE), ExitStack()

    def enter(self, owner_id: UUID, network: str, body: Body | None = None) -> str:
        """Hold memory and return nothing, or the code of the refusal."""
        try:
            self.stack.enter_context(
                self.budget.reserve(SIZE - SMALLEST_BYTES, body or _body(), owner_id, network)
            )
        except ProblemError as refusal:
            assert int(refusal.headers["Retry-After"]) > 0  # noqa: PT017 - the code is compared outside
            return refusal.code
        return ""


async def test_an_owner_alone_leaves_as_much_free_as_they_hold() -> None:
    hall = _Hall()
    told = [hall.enter(ANN, f"net{number}") for number in range(5)]
    assert told == ["", "", "", "", "too_many_requests"]
    assert hall.enter(BEN, "net0") == ""


async def test_a_network_alone_leaves_as_much_free_as_it_holds() -> None:
    hall = _Hall()
    told = [hall.enter(UUID(int=number), "net") for number in range(5)]
    assert told == ["", "", "", "", "too_many_requests"]
    assert hall.enter(ANN, "another") == ""


async def test_a_quarter_is_everybodys_and_no_more_where_memory_is_scarce() -> None:
    hall = _Hall()
    assert [hall.enter(UUID(int=10 + number), f"net{number}") for number in range(5)] == [""] * 5
    told = [hall.enter(ANN, "net") for _ in range(3)]
    assert told == ["", "", "too_many_requests"]


async def test_when_everything_is_held_it_is_nobodys_fault() -> None:
    hall = _Hall()
    told = [hall.enter(UUID(int=number), f"net{number}") for number in range(9)]
    assert told == [""] * 8 + ["overloaded"]


async def test_what_is_let_go_is_free_again() -> None:
    hall = _Hall()
    for _ in range(3):
        assert [hall.enter(ANN, "net"), hall.enter(ANN, "net")] == ["", ""]
        hall.stack.close()
    assert not hall.budget.holdings


async def test_an_upload_larger_than_a_share_may_come_alone() -> None:
    budget = Budget(memory_bytes=8 * SIZE)
    with budget.reserve(5 * SIZE, _body(), ANN, "net"):
        with pytest.raises(ProblemError) as raised, budget.reserve(0, _body(), ANN, "elsewhere"):
            pass
        assert raised.value.code == "too_many_requests"


async def _waited_for(body: Body) -> "asyncio.Task[list[bytes]]":
    """Begin to read a body, and return once its client is being waited for."""

    async def read() -> list[bytes]:
        return [chunk async for chunk in body.chunks()]

    reading = asyncio.create_task(read())
    while body._patience is None:
        await asyncio.sleep(0)
    return reading


def _make_slow(body: Body) -> None:
    body.pace.note(2 * WINDOW_SECONDS, 1)


async def test_a_slow_upload_makes_room_when_memory_is_wanted() -> None:
    hall, slow = _Hall(), _body()
    hall.enter(ANN, "net", slow)
    for _ in range(3):
        hall.enter(ANN, "net")
    reading = await _waited_for(slow)
    _make_slow(slow)
    assert hall.enter(ANN, "net") == "too_many_requests"
    async with asyncio.timeout(5.0):
        assert await reading == []
    assert slow.stalled
    assert not slow.is_whole


async def test_no_more_slow_uploads_end_than_are_in_the_way() -> None:
    hall, bodies = _Hall(), [_body() for _ in range(8)]
    readings = []
    for number, body in enumerate(bodies):
        hall.enter(UUID(int=number), f"net{number}", body)
        readings.append(await _waited_for(body))
        _make_slow(body)
    assert hall.enter(ANN, "another") == "overloaded"
    done, waiting = await asyncio.wait(readings, timeout=5.0, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), sum(body.stalled for body in bodies)) == (1, 1)
    for reading in waiting:
        reading.cancel()
    await asyncio.wait(waiting)


async def test_a_slow_upload_goes_on_while_there_is_room() -> None:
    hall, slow = _Hall(), _body()
    hall.enter(ANN, "net", slow)
    reading = await _waited_for(slow)
    _make_slow(slow)
    assert hall.enter(BEN, "another") == ""
    await asyncio.sleep(0)
    assert not slow.stalled
    reading.cancel()


async def test_one_that_is_not_waited_for_is_not_slow() -> None:
    body = _body()
    _make_slow(body)
    assert not body.hurry()


async def test_one_that_is_told_twice_ends_once() -> None:
    body = _body()
    reading = await _waited_for(body)
    _make_slow(body)
    assert body.hurry()
    await asyncio.sleep(0)
    body.hurry()
    async with asyncio.timeout(5.0):
        assert await reading == []


def test_a_client_that_just_came_is_not_slow() -> None:
    assert not Pace().is_slow(0.0)


def test_a_silent_client_is_slow_however_fast_it_was() -> None:
    pace = Pace()
    pace.note(0.1, 10**9)
    assert not pace.is_slow(SILENT_SECONDS - 0.1)
    assert pace.is_slow(SILENT_SECONDS)


def test_a_client_that_trickles_after_a_burst_is_slow_in_the_end() -> None:
    pace, seconds = Pace(), 0.0
    pace.note(0.1, 8 * MIB)
    while not pace.is_slow(1.0):
        pace.note(1.0, 1)
        seconds += 1.0
        assert seconds < 3 * WINDOW_SECONDS


@given(st.lists(st.floats(0.001, 4.0), min_size=1, max_size=100))
def test_whoever_keeps_the_pace_is_never_slow(waits: list[float]) -> None:
    pace = Pace()
    for wait in waits:
        pace.note(wait, int(PACE_BPS * wait / 8) + 1)
        assert not pace.is_slow(0.0)
