"""What one process holds of one bucket for one holder, and how much it asks for next. Pure.

Times are seconds of one clock that never goes back, such as `time.monotonic`.
"""

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from storage.limits_port import Lease
from storage.token_bucket import Bucket, Level, drawn, filled, seconds_until

LEASE_SECONDS: Final = 1.0
"""How long leased tokens are good for. What is left then goes back with the next trip, if there is one."""
AHEAD_SECONDS: Final = 0.5
"""A lease is for about so long at the pace of the last one."""
REFUSAL_SECONDS: Final = 1.0
"""How long an empty bucket is believed to be empty at most: another process may have given something back."""
SHORTEST_SECONDS: Final = 0.001


class Standing(NamedTuple):
    """What a client is told: whole tokens, and seconds until there is one and until all are back."""

    left: int
    next_seconds: float
    full_seconds: float


@dataclass(slots=True)
class Purse:
    """Leased tokens, and what is known of the bucket they came from."""

    bucket: Bucket
    largest: int
    """The largest lease: a tenth of the bucket, or 1 for an exact one."""
    seen: Level = field(init=False)
    """What the shared bucket held when it was last heard of."""
    tokens: int = 0
    leased: int = 0
    leased_at: float = 0.0
    refused_until: float = float("-inf")
    alone: Level | None = None
    """The bucket of this process alone, once the shared one did not answer."""
    is_alone: bool = False
    """Whether the last word was that bucket's."""

    def __post_init__(self) -> None:
        self.seen = Level(float(self.bucket.capacity), 0.0)

    def take(self, now: float) -> bool:
        """Spend a leased token, if there is a good one."""
        if self.tokens < 1 or not 0.0 <= now - self.leased_at < LEASE_SECONDS:
            return False
        self.tokens -= 1
        return True

    def is_refused(self, now: float) -> bool:
        """Whether the shared bucket was empty a moment ago and cannot have filled since."""
        return 0.0 < self.refused_until - now <= REFUSAL_SECONDS

    def wanted(self, now: float, waiting: int) -> int:
        """Return how many to ask for: for all who wait, or for a while at the pace of the last lease.

        At most twice the last lease, so that a burst of two or three does not lock up what others need.
        """
        pace = max(0, self.leased - self.tokens) / max(now - self.leased_at, SHORTEST_SECONDS)
        ahead = min(math.ceil(pace * AHEAD_SECONDS), 2 * self.leased)
        return min(max(1, waiting, ahead), self.largest)

    def surrender(self) -> int:
        """Hand out what is left of the last lease, to be given back."""
        left, self.tokens = self.tokens, 0
        return left

    def receive(self, lease: Lease, now: float) -> None:
        """Take in what the shared bucket granted."""
        self.is_alone, self.seen = False, Level(lease.left, now)
        self.tokens += lease.granted
        if lease.granted:
            self.leased, self.leased_at = lease.granted, now
        self.refused_until = now + min(REFUSAL_SECONDS, seconds_until(1.0, lease.left, self.bucket))

    def take_alone(self, now: float) -> bool:
        """Spend a token of the bucket that this process keeps by itself."""
        self.is_alone = True
        self.alone, granted = drawn(self.alone, self.bucket, now, 1)
        return granted == 1

    def put_back(self, now: float) -> None:
        """Give back a token that was spent from here."""
        if self.is_alone:
            self.alone, _ = drawn(self.alone, self.bucket, now, 0, 1)
        else:
            self.tokens += 1

    def standing(self, now: float) -> Standing:
        """Return how the holder stands, as far as this process knows."""
        level = filled(self.alone if self.is_alone else self.seen, self.bucket, now).tokens
        held = min(float(self.bucket.capacity), level if self.is_alone else level + self.tokens)
        return Standing(
            math.floor(held),
            seconds_until(1.0, held, self.bucket),
            seconds_until(self.bucket.capacity, held, self.bucket),
        )
