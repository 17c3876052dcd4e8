import asyncio
from typing import Any

import pytest

from actors.core import context
from tests.unit.actors.conftest import Reports


@pytest.fixture(autouse=True)
def quick_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "ALIVE_INTERVAL_SECONDS", 0.01)


async def silent(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def test_signs_of_life_are_given_while_a_server_moves_bytes(reports: Reports) -> None:
    assert await reports.ctx.during(silent(0.1)) == "done"
    assert reports.extended >= 3


async def test_they_end_when_it_moves_none_for_too_long(reports: Reports) -> None:
    assert await reports.ctx.during(silent(0.1), at_most_seconds=0.03) == "done"
    assert 1 <= reports.extended <= 5


async def test_an_error_of_the_work_passes(reports: Reports) -> None:
    async def broken() -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await reports.ctx.during(broken())


async def test_cancelling_cancels_the_work(reports: Reports) -> None:
    ended: list[Any] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    task = asyncio.ensure_future(reports.ctx.during(work()))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert ended == [True]


async def test_reports_are_throttled_but_the_last_is_always_made(reports: Reports) -> None:
    for number in range(10):
        await reports.ctx.progress(number / 10)
    await reports.ctx.progress(1.0)
    assert reports.fractions == [0.0, 1.0]
    assert reports.extended == 11
