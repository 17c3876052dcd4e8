"""Which source frame each output frame shows. Pure.

Output frame n is shown from n / fps on. A source frame takes its place at the grid point nearest to its time
(in the middle: the later one), and output frame n shows the last one that has come by n. Rounding matters:
containers that keep milliseconds, and phones whose clocks tremble, put half of all frames a little
after their grid point, and each of those would be missed once and shown twice.
The answer depends on times alone, so chunks that are made apart show what one run over all would.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import floor
from typing import TypeVar

T = TypeVar("T")


def place_on_grid(at_seconds: Fraction, fps: Fraction) -> int:
    """The first output frame that may show a source frame which is presented then."""
    return floor(at_seconds * fps + Fraction(1, 2))


def shown(placed: Iterable[tuple[int, T]], first: int, count: int) -> Iterator[tuple[int, T]]:
    """Output frames `first` to `first + count`, each with what it shows; nothing only when nothing comes.

    `placed` are source frames in order with their places. A gap is filled with the frame before it, a missing
    beginning with the first frame there is. No more is taken than needed.
    """
    held: T | None = None
    at, end = first, first + count
    for place, frame in placed:
        while held is not None and at < min(place, end):
            yield at, held
            at += 1
        if at >= end:
            return
        held = frame
    while held is not None and at < end:
        yield at, held
        at += 1
