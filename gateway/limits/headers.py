"""What a client is told of its limits (draft-ietf-httpapi-ratelimit-headers-10, and Retry-After). Pure."""

import math
from functools import cache

from gateway.limits.buckets import BUCKETS, BucketName
from gateway.limits.purse import Standing
from gateway.problems import ProblemError


def limit_headers(name: BucketName, standing: Standing) -> dict[str, str]:
    """Return the two fields: what is allowed, and what is left of it for how many seconds."""
    reset = math.ceil(standing.full_seconds)
    return {"RateLimit-Policy": _policy(name), "RateLimit": f'"{name}";r={standing.left};t={reset}'}


def too_many(name: BucketName, standing: Standing) -> ProblemError:
    """Return a 429 that says when there is room again."""
    seconds = max(1, math.ceil(standing.next_seconds))
    return ProblemError(
        "too_many_requests",
        f"That was too often for the limit {name}: repeat it in {seconds} seconds.",
        headers={**limit_headers(name, standing), "Retry-After": str(seconds)},
    )


@cache
def _policy(name: BucketName) -> str:
    """Return the quota and the window, in seconds, in which so many come back."""
    bucket = BUCKETS[name]
    return f'"{name}";q={bucket.capacity};w={math.ceil(bucket.capacity / bucket.per_second)}'
