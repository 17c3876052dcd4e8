"""Which line to ask for how many messages. Pure rules, so that fairness can be tested as a property.

A line is one durable of an actor; lines are numbered in order of urgency. With work waiting, free slots go
to the most urgent line that has any, but every few turns another class goes first, so none starves. With
nothing waiting, the free slots stand in line, most at the actor's home line, where nearly all work comes.
"""

from dataclasses import dataclass
from typing import Final

STAND_SECONDS: Final = 2.0
"""How long an idle request stands. Slots that wait at an empty line are lost to a busy one for so long."""
GLANCE_SECONDS: Final = 0.2
"""How long a request stands when there are fewer slots than lines and the slot must make its rounds."""
TURN_OF_LOW: Final = 8
TURN_OF_NORMAL: Final = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask line number `line` for `count` messages, and let the request stand so long."""

    line: int
    count: int
    wait_seconds: float


def sweep_order(lines: int, turn: int) -> tuple[int, ...]:
    """Return the order in which to look for waiting work: urgent first, except on the turns of the others.

    `lines` is three classes times the streams of an actor, grouped by class. Of 8 turns, 6 begin with
    high, 1 with normal and 1 with low: so much of a saturated actor each class is sure of.
    """
    width = lines // 3
    classes = [range(start, start + width) for start in range(0, lines, width)] if width else [range(lines)]
    if turn % TURN_OF_LOW == TURN_OF_LOW - 1:
        classes = [classes[-1], *classes[:-1]]
    elif turn % TURN_OF_LOW == TURN_OF_NORMAL - 1 and len(classes) > 1:
        classes = [classes[1], classes[0], *classes[2:]]
    return tuple(line for group in classes for line in group)


def stand_in_line(
    free: int, lines: int, home: int, turn: int, standing: frozenset[int] = frozenset()
) -> tuple[Ask, ...]:
    """Return where `free` idle slots go, given the lines where slots of ours stand already.

    Never asks for more than `free` messages in all. With a slot for every line each line has one and home
    the rest; with fewer, home has one and the others make the rounds.
    """
    others = [line for line in range(lines) if line != home and line not in standing]
    first = (turn // 2 if free == 1 else turn) % max(len(others), 1)
    others = others[first:] + others[:first]
    homeless = home not in standing
    if free >= len(others) + homeless:
        spare = free - len(others)
        return (
            *((Ask(home, spare, STAND_SECONDS),) if spare else ()),
            *(Ask(line, 1, STAND_SECONDS) for line in others),
        )
    if free == 1 and not standing:  # the replica's only slot: home most of the time, then a glance elsewhere
        at_home = turn % 2 == 0
        return (Ask(home, 1, 2 * GLANCE_SECONDS) if at_home else Ask(others[0], 1, GLANCE_SECONDS / 2),)
    rounds = others[: free - homeless]
    return (
        *((Ask(home, 1, STAND_SECONDS),) if homeless else ()),
        *(Ask(line, 1, GLANCE_SECONDS) for line in rounds),
    )
