from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from actors.core.joins import newest_of_each
from subjects import stage, video
from subjects.bus import Stored
from subjects.message import Priority

VIDEO = UUID(int=7)
GROUPS = ((video.PROBED, stage.SKIPPED.at("prober")), (video.THUMBNAILED, stage.SKIPPED.at("thumbnailer")))
SUBJECTS = [
    f"video.probed.normal.{VIDEO}",
    f"stage.skipped.normal.{VIDEO}.prober",
    f"video.thumbnailed.normal.{VIDEO}",
    f"stage.skipped.normal.{VIDEO}.thumbnailer",
]


def kept(subject: str, sequence: int) -> Stored:
    return Stored(subject, {}, b"", sequence, datetime(2026, 1, 1, tzinfo=UTC))


def fires(arrived: list[Stored], number: int) -> bool:
    """Whether the arrival at `number`, handled when all of these are stored, calls the handler."""
    chosen = newest_of_each(GROUPS, arrived)
    return chosen is not None and max(one.sequence for one in chosen) <= arrived[number].sequence


def test_nothing_is_joined_while_a_group_has_no_fact() -> None:
    assert newest_of_each(GROUPS, [kept(SUBJECTS[0], 1)]) is None


def test_an_alternative_stands_for_its_group() -> None:
    chosen = newest_of_each(GROUPS, [kept(SUBJECTS[0], 1), kept(SUBJECTS[3], 2)])
    assert chosen is not None
    assert [one.sequence for one in chosen] == [1, 2]


@given(st.lists(st.sampled_from(SUBJECTS), min_size=2, max_size=8), st.data())
def test_the_last_arrival_fires_whenever_it_is_handled_and_others_only_if_they_were_once_last(
    subjects: list[str], data: st.DataObject
) -> None:
    """Handlers may run in any order and as late as they like: one firing per state of the world at most."""
    arrived = [kept(subject, sequence) for sequence, subject in enumerate(subjects, 1)]
    complete = newest_of_each(GROUPS, arrived) is not None
    late = [number for number in range(len(arrived)) if fires(arrived, number)]
    assert late == ([len(arrived) - 1] if complete else [])


def test_a_class_does_not_hide_a_fact() -> None:
    low = f"video.thumbnailed.{Priority.LOW}.{VIDEO}"
    assert newest_of_each(GROUPS, [kept(SUBJECTS[0], 1), kept(low, 2)]) is not None
