"""What a limit costs a request: with a warm lease, with a trip to Redis each time, and with Redis gone.

    python bench/limits.py [--redis redis://127.0.0.1:6379/0] [--seconds 1.0] [--rounds 5]

Without --redis it starts one of its own. The three take turns in one run, so what else the machine does meets
all of them; printed are medians, and their ratios to the warm lease.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import uvloop

from gateway.limits.leases import LeasedLimits
from storage.limits_port import Lease
from storage.redis import open_cache
from storage.redis_buckets import RedisBuckets
from storage.token_bucket import Bucket

NOWHERE = "redis://127.0.0.1:9"
Spend = Callable[[], Awaitable[object]]


class Plenty:
    """Shared buckets that never run dry: leases as large as they are asked for, from memory."""

    async def lease(self, _key: str, bucket: Bucket, wanted: int, _returned: int = 0) -> Lease:
        """Grant everything."""
        return Lease(wanted, float(bucket.capacity))


async def seconds_each(spend: Spend, seconds: float) -> float:
    """Return how long one takes, on average, called one after the other for a while."""
    count, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds:
        for _ in range(20):
            await spend()
        count += 20
    return spent / count


async def measure(redis_url: str, seconds: float, rounds: int) -> None:
    """Take turns and print the ratios."""
    async with open_cache(redis_url) as here, open_cache(NOWHERE) as gone:
        warm, distinct = LeasedLimits(Plenty()), iter(range(10**9))
        cold = LeasedLimits(RedisBuckets(here.client, here.breaker))
        alone = LeasedLimits(RedisBuckets(gone.client, gone.breaker))

        async def spend_alone() -> None:
            # A hundred for each holder: a bucket that runs dry would measure refusals.
            await alone.spend("read", f"user:{next(distinct) // 100}")

        kinds: dict[str, Spend] = {
            "warm lease": lambda: warm.spend("read", "user:1"),
            "trip each time": lambda: cold.spend("read", f"user:{next(distinct)}"),
            "Redis gone": spend_alone,
        }
        await cold.spend("read", "user:first")
        took: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(rounds):
            for name, spend in kinds.items():
                took[name].append(await seconds_each(spend, seconds))
    base = statistics.median(took["warm lease"])
    for name, times in took.items():
        each = statistics.median(times)
        print(f"{name}: {each * 1e6:.1f} µs a request, {each / base:.1f} x a warm lease")


@asynccontextmanager
async def redis_of_our_own() -> AsyncIterator[str]:
    """A Redis for this run."""
    from deploy.embedded import Embedded  # noqa: PLC0415 - only without --redis

    with tempfile.TemporaryDirectory(prefix="truthtok-bench-") as directory:
        Path(directory).chmod(0o755)
        async with Embedded(Path(directory), durable=False) as servers:
            yield servers.redis_url


async def main(redis_url: str | None, seconds: float, rounds: int) -> None:
    """Measure, with a Redis of our own if need be."""
    if redis_url is not None:
        await measure(redis_url, seconds, rounds)
        return
    async with redis_of_our_own() as own:
        await measure(own, seconds, rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    uvloop.run(main(options.redis, options.seconds, options.rounds))
