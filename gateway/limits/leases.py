"""The limits of the gateways: buckets that all processes share, spent from leases, so few acts cost a trip.

    spend -> a leased token | a trip for some more | without Redis, a bucket of the same size of our own

A lease is debited from the shared bucket up front, so several processes together never grant more than it
holds. What is not spent within `LEASE_SECONDS` goes back with the next trip for the same holder; without one,
or when it fails, it is lost, and the bucket fills again anyway.

How exact that is: from a bucket's first touch on, no more than its capacity and what came in are granted. In
a later window it is that and what was out on lease when the window began: at most a tenth of the capacity for
each process. Without Redis each process grants as much as one bucket holds.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter

from gateway.config import GatewayConfig
from gateway.limits.buckets import BUCKETS, BucketName
from gateway.limits.headers import limit_headers, too_many
from gateway.limits.purse import Purse
from gateway.ports import Limits
from storage.errors import StorageUnavailableError
from storage.limits_port import Buckets

HOLDERS_MAX: Final = 20_000
"""Purses in memory, about 600 bytes each; the one unused for longest goes first, with what it holds."""
LARGEST_SHARE: Final = 10
EXACT: Final[frozenset[BucketName]] = frozenset(
    {"sign_in", "sign_in_pair", "sign_in_account", "password", "register"}
)
"""Leased one at a time: what they guard is worth a trip."""

TRIPS: Final = Counter("truthtok_limit_trips", "Questions to the shared buckets", ("bucket",))
REFUSED: Final = Counter("truthtok_limit_refusals", "Requests refused for being too many", ("bucket",))
ALONE: Final = Counter(
    "truthtok_limit_alone", "Limits decided by one process alone, since Redis did not answer", ("bucket",)
)


@dataclass(slots=True)
class _Pocket:
    """A purse with those who wait for its next lease."""

    name: BucketName
    key: str
    purse: Purse
    trip: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


@dataclass(slots=True)
class LeasedLimits:
    """Spends from leases. For one event loop."""

    buckets: Buckets
    clock: Callable[[], float] = time.monotonic
    holders_max: int = HOLDERS_MAX
    _pockets: OrderedDict[str, _Pocket] = field(default_factory=OrderedDict, init=False)

    async def spend(self, bucket: BucketName, holder: str) -> Mapping[str, str]:
        """Take one and return the RateLimit headers. Raises ProblemError 429."""
        pocket = self._pocket(bucket, holder)
        granted = pocket.purse.take(self.clock()) or await self._take_later(pocket)
        standing = pocket.purse.standing(self.clock())
        if not granted:
            REFUSED.labels(bucket).inc()
            raise too_many(bucket, standing)
        return limit_headers(bucket, standing)

    async def refund(self, bucket: BucketName, holder: str) -> None:
        """Give one back; to an exact bucket at once, for every process, or not at all when Redis is gone."""
        pocket = self._pocket(bucket, holder)
        if bucket not in EXACT or pocket.purse.is_alone:
            pocket.purse.put_back(self.clock())
            return
        async with pocket.trip:
            await self._travel(pocket, 0, 1)

    async def _take_later(self, pocket: _Pocket) -> bool:
        """Take one of the next lease; one trip at a time, for all who wait."""
        pocket.waiting += 1
        try:
            async with pocket.trip:
                now, purse = self.clock(), pocket.purse
                if purse.take(now):
                    return True
                if purse.is_refused(now):
                    return False
                if await self._travel(pocket, purse.wanted(now, pocket.waiting), purse.surrender()):
                    return purse.take(self.clock())
                ALONE.labels(pocket.name).inc()
                return purse.take_alone(self.clock())
        finally:
            pocket.waiting -= 1

    async def _travel(self, pocket: _Pocket, wanted: int, returned: int) -> bool:
        """Ask the shared bucket; False when it does not answer: then what was to go back is lost."""
        TRIPS.labels(pocket.name).inc()
        try:
            lease = await self.buckets.lease(pocket.key, pocket.purse.bucket, wanted, returned)
        except StorageUnavailableError:
            return False
        pocket.purse.receive(lease, self.clock())
        return True

    def _pocket(self, name: BucketName, holder: str) -> _Pocket:
        key = f"{name}:{holder}"
        pocket = self._pockets.get(key)
        if pocket is not None:
            self._pockets.move_to_end(key)
            return pocket
        bucket = BUCKETS[name]
        largest = 1 if name in EXACT else max(1, bucket.capacity // LARGEST_SHARE)
        pocket = self._pockets[key] = _Pocket(name, key, Purse(bucket, largest))
        if len(self._pockets) > self.holders_max:
            self._pockets.popitem(last=False)
        return pocket


class Unlimited:
    """Limits that are switched off: nothing is counted, and nothing is said of it."""

    async def spend(self, bucket: BucketName, holder: str) -> Mapping[str, str]:  # noqa: ARG002 - the port's
        """Let everybody do everything."""
        return {}

    async def refund(self, bucket: BucketName, holder: str) -> None:
        """Do nothing: nothing was spent."""


def make_limits(config: GatewayConfig, buckets: Buckets) -> Limits:
    """Return the limits that the configuration asks for."""
    return LeasedLimits(buckets) if config.rate_limits else Unlimited()
