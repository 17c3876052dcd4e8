from hypothesis import given
from hypothesis import strategies as st

from actors.core.claims import TURN_OF_LOW, stand_in_line, sweep_order

lines = st.sampled_from([1, 3, 6])
turns = st.integers(0, 10_000)


@given(lines, turns)
def test_a_sweep_looks_at_every_line_once(count: int, turn: int) -> None:
    assert sorted(sweep_order(count, turn)) == list(range(count))


@given(st.sampled_from([3, 6]))
def test_every_class_goes_first_within_eight_turns_and_high_most_often(count: int) -> None:
    width = count // 3
    firsts = [sweep_order(count, turn)[0] // width for turn in range(TURN_OF_LOW)]
    assert set(firsts) == {0, 1, 2}
    assert firsts.count(0) == 6


@given(st.integers(1, 64), lines, turns, st.data())
def test_idle_slots_never_ask_for_more_than_there_are(
    free: int, count: int, turn: int, data: st.DataObject
) -> None:
    home = data.draw(st.integers(0, count - 1))
    standing = data.draw(st.frozensets(st.integers(0, count - 1), max_size=count))
    asks = stand_in_line(free, count, home, turn, standing)
    assert sum(ask.count for ask in asks) <= free
    assert all(ask.count > 0 and ask.wait_seconds > 0 for ask in asks)
    assert len({ask.line for ask in asks}) == len(asks)


@given(st.integers(1, 64), lines, turns, st.data())
def test_with_nothing_standing_some_slot_always_stands_somewhere(
    free: int, count: int, turn: int, data: st.DataObject
) -> None:
    assert stand_in_line(free, count, data.draw(st.integers(0, count - 1)), turn)


@given(st.integers(1, 8), st.sampled_from([3, 6]), st.data())
def test_every_line_is_asked_within_a_few_rounds(free: int, count: int, data: st.DataObject) -> None:
    home = data.draw(st.integers(0, count - 1))
    asked = {ask.line for turn in range(2 * count) for ask in stand_in_line(free, count, home, turn)}
    assert asked == set(range(count))


def test_a_replica_with_slots_to_spare_stands_in_every_line_and_mostly_at_home() -> None:
    asks = {ask.line: ask.count for ask in stand_in_line(8, 6, home=2, turn=0)}
    assert asks == {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 1}
