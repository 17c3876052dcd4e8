"""Limits over the twin of the shared buckets, with a clock moved by hand."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import GatewayConfig
from gateway.limits.buckets import BUCKETS, BucketName
from gateway.limits.leases import ALONE, EXACT, LeasedLimits, Unlimited, make_limits
from gateway.problems import ProblemError
from storage.errors import StorageUnavailableError
from storage.limits_port import Lease
from storage.memory.buckets import MemoryBuckets
from storage.token_bucket import Bucket

NAMES = st.sampled_from(sorted(BUCKETS))


@dataclass
class Shared:
    """The shared buckets, watched: every lease is kept, and the store can go away."""

    now: list[float] = field(default_factory=lambda: [1000.0])
    leases: list[Lease] = field(default_factory=list)
    gone: bool = False
    deaf: bool = False
    """Does what it is asked, but its answer gets lost."""

    def __post_init__(self) -> None:
        self.twin = MemoryBuckets(clock=self.clock)

    def clock(self) -> float:
        return self.now[0]

    async def lease(self, key: str, bucket: Bucket, wanted: int, returned: int = 0) -> Lease:
        await asyncio.sleep(0)
        if self.gone:
            raise StorageUnavailableError("gone")
        lease = await self.twin.lease(key, bucket, wanted, returned)
        if self.deaf:
            raise StorageUnavailableError("too late")
        self.leases.append(lease)
        return lease

    def process(self, **changes: int) -> LeasedLimits:
        return LeasedLimits(self, clock=self.clock, **changes)

    def left(self, name: BucketName, holder: str = "me") -> float:
        return self.twin.levels[f"{name}:{holder}"].tokens


@pytest.fixture
def shared() -> Shared:
    return Shared()


async def granted(limits: LeasedLimits, name: BucketName, times: int, holder: str = "me") -> int:
    """Spend so often and return how often it was allowed."""
    allowed = 0
    for _ in range(times):
        with suppress(ProblemError):
            await limits.spend(name, holder)
            allowed += 1
    return allowed


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(st.just(0.0), st.floats(0.0, 3.0)),
        st.integers(0, 80),
        st.sampled_from(["spend", "spend", "refund", "gone", "back", "deaf"]),
    ),
    max_size=40,
)


@given(NAMES, STEPS)
async def test_several_processes_never_grant_more_than_one_bucket_holds(
    name: BucketName, steps: list[tuple[int, float, int, str]]
) -> None:
    shared = Shared()
    processes = [shared.process() for _ in range(3)]
    bucket, begun, spent = BUCKETS[name], shared.clock(), 0
    for who, seconds, times, act in steps:
        shared.now[0] += seconds
        if act == "spend":
            spent += await granted(processes[who], name, times)
        elif act == "refund" and spent:
            await processes[who].refund(name, "me")
            spent -= 1
        assert spent <= bucket.capacity + bucket.per_second * (shared.clock() - begun) + 1e-6


@given(NAMES, STEPS)
async def test_whatever_fails_in_between_each_process_adds_one_bucket_at_most(
    name: BucketName, steps: list[tuple[int, float, int, str]]
) -> None:
    shared = Shared()
    processes = [shared.process() for _ in range(2)]
    bucket, begun, spent = BUCKETS[name], shared.clock(), 0
    for who, seconds, times, act in steps:
        shared.now[0] += seconds
        shared.gone, shared.deaf = act == "gone", act == "deaf"
        spent += await granted(processes[who % 2], name, times)
        per_bucket = bucket.capacity + bucket.per_second * (shared.clock() - begun)
        assert spent <= 3 * per_bucket + 1e-6


@given(NAMES, st.lists(st.tuples(st.floats(-1e5, 1e5), st.integers(1, 50)), max_size=20))
async def test_a_clock_that_jumps_stops_nobody_for_good(
    name: BucketName, jumps: list[tuple[float, int]]
) -> None:
    shared = Shared()
    process, bucket = shared.process(), BUCKETS[name]
    for jump, times in jumps:
        shared.now[0] += jump
        assert await granted(process, name, times) <= bucket.capacity + 2 * bucket.capacity // 10 + 1
    shared.now[0] += 1.0 + bucket.capacity / bucket.per_second
    assert await granted(process, name, 1) == 1


async def test_a_full_bucket_grants_its_capacity_and_then_refuses(shared: Shared) -> None:
    assert await granted(shared.process(), "write", 300) == 200
    assert await granted(shared.process(), "write", 10) == 0


async def test_holders_do_not_share(shared: Shared) -> None:
    limits = shared.process()
    await granted(limits, "write", 200)
    assert await granted(limits, "write", 1, "another") == 1


async def test_an_emptied_bucket_fills_at_its_rate(shared: Shared) -> None:
    limits = shared.process()
    await granted(limits, "write", 300)
    shared.now[0] += 1.0
    assert await granted(limits, "write", 100) == 20


async def test_a_busy_holder_costs_few_trips(shared: Shared) -> None:
    limits = shared.process()
    assert await granted(limits, "read", 300) == 300
    assert len(shared.leases) < 12
    assert max(lease.granted for lease in shared.leases) == 60


async def test_an_idle_holder_locks_up_nothing_to_speak_of(shared: Shared) -> None:
    limits = shared.process()
    for _ in range(10):
        await limits.spend("read", "me")
        shared.now[0] += 5.0
    assert {lease.granted for lease in shared.leases} == {1}


@pytest.mark.parametrize("name", sorted(EXACT))
async def test_scarce_buckets_are_leased_one_at_a_time(shared: Shared, name: BucketName) -> None:
    assert await granted(shared.process(), name, 5) == 5
    assert [lease.granted for lease in shared.leases] == [1] * 5


async def test_what_a_lease_has_left_goes_back_with_the_next_trip(shared: Shared) -> None:
    limits = shared.process()
    await granted(limits, "write", 40)
    unspent = 160.0 - shared.left("write")
    assert unspent > 0
    assert await granted(shared.process(), "write", 200) == 160 - unspent
    shared.now[0] += 1.0
    await granted(limits, "write", 1)
    assert shared.left("write") + shared.leases[-1].granted == unspent + 20.0


async def test_a_lease_is_good_for_a_second(shared: Shared) -> None:
    limits = shared.process()
    await granted(limits, "read", 8)
    trips = len(shared.leases)
    shared.now[0] += 1.5
    await granted(limits, "read", 1)
    assert len(shared.leases) == trips + 1


async def test_a_flood_that_is_refused_costs_no_trips(shared: Shared) -> None:
    limits = shared.process()
    await granted(limits, "sign_in", 30)
    trips = len(shared.leases)
    assert await granted(limits, "sign_in", 1000) == 0
    assert len(shared.leases) == trips


async def test_a_crowd_that_comes_at_once_shares_trips(shared: Shared) -> None:
    limits = shared.process()
    await asyncio.gather(*(limits.spend("read", "me") for _ in range(200)))
    assert len(shared.leases) < 10
    assert shared.left("read") >= 600 - 200 - 60


async def test_of_a_crowd_only_so_many_get_through(shared: Shared) -> None:
    processes = [shared.process() for _ in range(4)]
    crowd = (granted(processes[n % 4], "upload", 1) for n in range(300))
    assert 90 <= sum(await asyncio.gather(*crowd)) <= 100


async def test_a_spender_who_gives_up_waiting_harms_nobody(shared: Shared) -> None:
    limits = shared.process()
    first = asyncio.create_task(granted(limits, "read", 1))
    second = asyncio.create_task(granted(limits, "read", 1))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1


async def test_without_redis_a_bucket_of_the_same_size_takes_over(shared: Shared) -> None:
    limits, shared.gone = shared.process(), True
    before = ALONE.labels("write")._value.get()
    assert await granted(limits, "write", 300) == 200
    assert ALONE.labels("write")._value.get() == before + 300
    shared.now[0] += 1.0
    assert await granted(limits, "write", 100) == 20


async def test_when_redis_is_back_it_decides_again(shared: Shared) -> None:
    limits = shared.process()
    await granted(limits, "write", 200)
    shared.gone = True
    shared.now[0] += 1.0
    assert await granted(limits, "write", 50) == 50
    shared.gone = False
    assert await granted(limits, "write", 50) == 20


async def test_an_answer_that_got_lost_is_not_counted_twice(shared: Shared) -> None:
    limits = shared.process()
    await granted(limits, "read", 8)
    shared.now[0] += 1.5
    shared.deaf = True
    await granted(limits, "read", 3)
    shared.deaf = False
    assert shared.left("read") <= 600.0
    await granted(limits, "read", 1)
    assert shared.leases[-1].granted + shared.leases[-1].left <= 600.0


async def test_what_is_given_back_can_be_spent_again(shared: Shared) -> None:
    for name in ("read", "sign_in"):
        limits = shared.process()
        await granted(limits, name, BUCKETS[name].capacity)
        await limits.refund(name, "me")
        assert await granted(limits, name, 2) == 1


async def test_a_refund_to_a_scarce_bucket_is_there_for_every_process(shared: Shared) -> None:
    one, other = shared.process(), shared.process()
    assert await granted(one, "sign_in_pair", 10) == 10
    assert await granted(other, "sign_in_pair", 1) == 0
    await one.refund("sign_in_pair", "me")
    shared.now[0] += 1.0  # the other one believed for a moment that it was empty
    assert await granted(other, "sign_in_pair", 2) == 1


async def test_a_refund_works_without_redis(shared: Shared) -> None:
    for name in ("read", "sign_in"):
        limits, shared.gone = shared.process(), True
        await granted(limits, name, BUCKETS[name].capacity)
        await limits.refund(name, "me")
        assert await granted(limits, name, 2) == 1


async def test_a_refund_that_redis_does_not_hear_raises_nothing(shared: Shared) -> None:
    limits = shared.process()
    await limits.spend("sign_in", "me")
    shared.gone = True
    await limits.refund("sign_in", "me")


async def test_memory_is_bounded(shared: Shared) -> None:
    limits = shared.process(holders_max=100)
    for number in range(1000):
        await limits.spend("read", f"address:{number}")
    assert len(limits._pockets) == 100


async def _told(limits: LeasedLimits, name: BucketName) -> Mapping[str, str]:
    return await limits.spend(name, "me")


async def test_the_headers_say_what_is_allowed_and_what_is_left(shared: Shared) -> None:
    limits = shared.process()
    assert await _told(limits, "read") == {
        "RateLimit-Policy": '"read";q=600;w=6',
        "RateLimit": '"read";r=599;t=1',
    }
    shared.now[0] += 0.25
    assert (await _told(limits, "read"))["RateLimit"] == '"read";r=599;t=1'
    assert (await _told(limits, "sign_in_pair"))["RateLimit-Policy"] == '"sign_in_pair";q=10;w=600'


async def test_what_is_left_goes_down_one_by_one(shared: Shared) -> None:
    limits = shared.process()
    left = [(await _told(limits, "write"))["RateLimit"].split(";")[1] for _ in range(30)]
    assert left == [f"r={number}" for number in range(199, 169, -1)]


async def test_a_refusal_says_when_to_come_again(shared: Shared) -> None:
    limits = shared.process()
    await granted(limits, "sign_in_pair", 10)
    with pytest.raises(ProblemError) as raised:
        await limits.spend("sign_in_pair", "me")
    refusal = raised.value
    assert (refusal.status, refusal.code) == (429, "too_many_requests")
    assert refusal.headers["Retry-After"] == "60"
    assert refusal.headers["RateLimit"] == '"sign_in_pair";r=0;t=600'
    assert "60 seconds" in refusal.detail
    shared.now[0] += 60.0
    assert await granted(limits, "sign_in_pair", 1) == 1


async def test_limits_can_be_switched_off(shared: Shared) -> None:
    config = GatewayConfig(api_url="", media_url="", signing_key=b"", rate_limits=False)
    limits = make_limits(config, shared)
    assert isinstance(limits, Unlimited)
    for _ in range(1000):
        assert await limits.spend("sign_in", "me") == {}
    await limits.refund("sign_in", "me")
    assert not shared.leases
