"""What is tried with a chunk that is hard to encode."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from actors.engines.encoding.encode import EncodedFrames
from actors.engines.errors import JobKilled, JobTimeout
from actors.engines.ladder.hard_chunks import HardChunk, rung_groups
from actors.engines.ladder.passes import orders_of
from subjects.warning import WarningCode
from tests.encoded import METADATA, PLAN, RUNGS

(ORDER, *_) = orders_of(UUID(int=1), PLAN, METADATA, 0)
HIGH, LOW = RUNGS


class Engine:
    """Dies of some ways to show a chunk."""

    def __init__(self, deaths: dict[str, Exception] | None = None) -> None:
        self.deaths = deaths or {}
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    async def encode(
        self, _: Path, __: Any, ___: Any, rungs: Any, *, shown: str, on_progress: Any, **____: Any
    ) -> EncodedFrames:
        self.asked.append((shown, tuple(rung.name for rung in rungs)))
        await on_progress(0.5, "encoding")
        if shown in self.deaths:
            raise self.deaths[shown]
        return EncodedFrames(tracks=tuple(rung.name for rung in rungs), warnings=(WarningCode.TRUNCATED,))


class Told:
    """What was reported."""

    def __init__(self) -> None:
        self.fractions: list[float] = []

    async def report(self, fraction: float, _: str) -> None:
        self.fractions.append(fraction)


async def encoded(engine: Any, attempt: int, told: Told | None = None) -> EncodedFrames:
    chunk = HardChunk(engine, Path("clip.mp4"), ORDER, Path("out"), attempt)
    return await chunk.encode((told or Told()).report)


def test_rungs_are_encoded_side_by_side_at_first_and_then_in_two_halves() -> None:
    assert rung_groups(RUNGS, 1) == (RUNGS,)
    assert rung_groups(RUNGS, 2) == ((HIGH,), (LOW,))
    assert rung_groups((*RUNGS, LOW), 5) == (RUNGS, (LOW,))
    assert rung_groups((LOW,), 2) == ((LOW,),)


async def test_halves_make_a_whole_and_progress_as_one() -> None:
    engine, told = Engine(), Told()
    made = await encoded(engine, 2, told)
    assert engine.asked == [("source", (HIGH.name,)), ("source", (LOW.name,))]
    assert [*made.tracks] == [HIGH.name, LOW.name]
    assert made.warnings == (WarningCode.TRUNCATED,)
    assert told.fractions == [0.25, 0.75]


CRASH = JobKilled("SIGSEGV")


async def test_a_clip_that_crashes_the_decoder_once_is_tried_again_as_it_is() -> None:
    engine = Engine({"source": CRASH})
    with pytest.raises(JobKilled):
        await encoded(engine, 1)
    assert len(engine.asked) == 1


@pytest.mark.parametrize(
    ("deaths", "shown"),
    [({"source": CRASH}, "before"), ({"source": CRASH, "before": JobKilled("SIGABRT")}, "black")],
)
async def test_one_that_crashes_it_again_costs_the_pictures_of_this_chunk_alone(
    deaths: dict[str, Exception], shown: str
) -> None:
    engine = Engine(deaths)
    made = await encoded(engine, 2)
    assert [one for one, names in engine.asked if names == (HIGH.name,)][-1] == shown
    assert [*made.tracks] == [HIGH.name, LOW.name]
    assert WarningCode.DAMAGED_PICTURES in made.warnings


async def test_what_crashes_whatever_is_shown_is_no_fault_of_the_pictures() -> None:
    with pytest.raises(JobKilled):
        await encoded(Engine(dict.fromkeys(("source", "before", "black"), CRASH)), 4)


@pytest.mark.parametrize("death", [JobTimeout("silent"), JobKilled("memory"), JobKilled("SIGKILL")], ids=str)
async def test_a_limit_is_met_by_no_fault_of_the_pictures_either(death: Exception) -> None:
    engine = Engine({"source": death})
    with pytest.raises(type(death)):
        await encoded(engine, 4)
    assert [shown for shown, _ in engine.asked] == ["source"]
