"""The shared token buckets in Redis: one script a trip, by the server's own clock.

A bucket is one text, `tokens microseconds`, that expires when it would be full again: Redis forgets whoever
did nothing for a while.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from storage.breaker import Breaker
from storage.limits_port import Lease
from storage.token_bucket import Bucket

PREFIX: Final = "limit:"

# The arithmetic of `storage.token_bucket`, where nobody can come in between.
_SCRIPT: Final = """
local capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tokens, at = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%d+)$')
tokens, at = tonumber(tokens) or capacity, tonumber(at) or now
local came = math.max(0, now - at) / 1000000 * rate + tonumber(ARGV[4])
tokens = math.min(capacity, tokens + came)
local granted = math.min(tonumber(ARGV[3]), math.floor(tokens))
tokens = tokens - granted
local full_in = math.ceil((capacity - tokens) / rate * 1000)
if full_in > 0 then
    redis.call('SET', KEYS[1], string.format('%.9f %.0f', tokens, now), 'PX', full_in)
else
    redis.call('DEL', KEYS[1])
end
return {granted, string.format('%.9f', tokens)}
"""


@dataclass(slots=True)
class RedisBuckets:
    """Buckets in Redis, behind the breaker that everybody who asks this Redis shares."""

    client: Any
    breaker: Breaker = field(default_factory=Breaker)
    _script: Any = field(init=False)

    def __post_init__(self) -> None:
        self._script = self.client.register_script(_SCRIPT)

    async def lease(self, key: str, bucket: Bucket, wanted: int, returned: int = 0) -> Lease:
        """Put tokens back, then take up to `wanted`, in one trip."""
        told = (bucket.capacity, bucket.per_second, wanted, returned)
        granted, left = await self.breaker.ask(lambda: self._script(keys=[PREFIX + key], args=told))
        return Lease(int(granted), float(left))
