"""How many event streams a process can hold, and how it comes to hold a thousand.

Each idle stream holds a thread of actix's blocking pool. A worker's pool has 512 threads divided by the cores
the process may use when the worker starts, so we start pinned to one core and give the cores back once the
workers are there. Where that cannot be done, the honest limit is smaller.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

WORKERS: Final = 3
"""Odd on purpose: connections go to workers in turn, and with an even number a client that opens a stream
with every second connection would fill one worker only."""
POOL_THREADS: Final = 512
SPARE_THREADS: Final = 16


def stream_capacity(wanted: int, cores: int) -> int:
    """Return how many streams to promise when workers are started on so many cores."""
    room = WORKERS * max(POOL_THREADS // max(cores, 1), 1) - SPARE_THREADS
    return max(min(wanted, room), 1)


def can_pin() -> bool:
    """Whether this system lets a process choose its cores."""
    return hasattr(os, "sched_setaffinity")


def cores_at_start() -> int:
    """Return the cores the workers will see: one where we can pin, else all."""
    return 1 if can_pin() else os.cpu_count() or 1


class Pin:
    """The cores a process had before it was pinned to one."""

    def __init__(self) -> None:
        self._cores: set[int] = set()

    def fasten(self) -> None:
        """Use one core only; threads made from now on do the same."""
        if can_pin():
            self._cores = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {min(self._cores)})

    def release(self) -> None:
        """Give every thread of the process its cores back."""
        for thread in _threads() if self._cores else ():
            with suppress(ProcessLookupError):  # a thread that just ended
                os.sched_setaffinity(thread, self._cores)


def _threads() -> Iterator[int]:
    yield from (int(one.name) for one in Path("/proc/self/task").iterdir())
