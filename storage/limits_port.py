"""What the gateways may ask of the store that their processes share their limits in."""

from typing import NamedTuple, Protocol

from storage.token_bucket import Bucket


class Lease(NamedTuple):
    """What a process was given to spend by itself."""

    granted: int
    left: float
    """What the bucket holds afterwards, with fractions."""


class Buckets(Protocol):
    """Token buckets by key, shared by processes. One that was never touched, or has filled up, is full.

    They may be lost at any time, and are full then. A key is at most 200 characters.
    """

    async def lease(self, key: str, bucket: Bucket, wanted: int, returned: int = 0) -> Lease:
        """Put `returned` tokens back, then take up to `wanted` whole ones, in one step.

        What is taken is gone from the bucket at once, so that several processes never take more than there
        is. Not idempotent: a caller that does not know whether it was heard counts the tokens as lost.
        Raises StorageUnavailableError, at once while the store is known not to answer.
        """
