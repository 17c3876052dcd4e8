"""How much memory uploads may take together, and how much of it one party; who comes too late comes again.

One party's share is a part of the whole, larger while others need less, by the upload's owner and by the
network its client is in.
And memory that is wanted is taken from those who make no use of it: an upload whose client is silent, or
slower than the pace, is ended with what it brought, which stays, and goes on with its next request.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from gateway.media.exchange import Body
from gateway.media.journal import BUFFERS, HURRIED
from gateway.problems import ProblemError, unavailable

MEMORY_BYTES_MAX: Final = 512 * 1024**2
SHARES: Final = 4
"""A quarter is an owner's, or a network's, in any case, and more while as much again stays free (dynamic
thresholds, Choudhury and Hahne 1998). Whoever holds nothing yet may always hold one upload."""
SMALLEST_BYTES: Final = 512 * 1024
"""What a connection costs besides: Granian's read buffer."""
RETRY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """Memory for one request's body."""

    owner_id: UUID
    network: str
    size_bytes: int
    body: Body


@dataclass(slots=True)
class Budget:
    """Bytes that are free to be promised."""

    memory_bytes: int = MEMORY_BYTES_MAX
    holdings: set[Holding] = field(default_factory=set)

    @contextmanager
    def reserve(self, count_bytes: int, body: Body, owner_id: UUID, network: str) -> Iterator[None]:
        """Hold so many bytes for a while.

        Raises ProblemError: 429 when the owner or the network holds its share, 503 when everything is held.
        """
        holding = Holding(owner_id, network, SMALLEST_BYTES + count_bytes, body)
        self._require_share(holding, [one for one in self.holdings if one.owner_id == owner_id])
        self._require_share(holding, [one for one in self.holdings if one.network == network])
        if _total_bytes(self.holdings) + holding.size_bytes > self.memory_bytes:
            _hurry(self.holdings, holding.size_bytes)
            raise unavailable("Too many uploads at once. Go on a little later.", "overloaded", RETRY_SECONDS)
        self.holdings.add(holding)
        BUFFERS.inc(holding.size_bytes)
        try:
            yield
        finally:
            self.holdings.discard(holding)
            BUFFERS.dec(holding.size_bytes)

    def _require_share(self, wanted: Holding, held: list[Holding]) -> None:
        """Raise ProblemError 429 when what one party holds leaves it no room for one more."""
        share_bytes = _total_bytes(held) + wanted.size_bytes
        free_bytes = self.memory_bytes - _total_bytes(self.holdings) - wanted.size_bytes
        if not held or share_bytes <= max(self.memory_bytes // SHARES, free_bytes):
            return
        _hurry(held, wanted.size_bytes)
        raise ProblemError(
            "too_many_requests",
            "Your other uploads take all the memory that is yours. Go on when one of them is done.",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )


def _total_bytes(holdings: Iterable[Holding]) -> int:
    return sum(one.size_bytes for one in holdings)


def _hurry(holdings: Iterable[Holding], wanted_bytes: int) -> None:
    """Tell slow ones to end, no more of them than are in the way, so that the next attempt finds room."""
    freed_bytes = 0
    for one in holdings:
        if freed_bytes < wanted_bytes and one.body.hurry():
            freed_bytes += one.size_bytes
            HURRIED.inc()
