"""Waits out a dependency that is down, holding the message, instead of burning its deliveries.

A server that restarts is nobody's fault: were every attempt during its absence counted, a minute without
Postgres would send good messages to the dead letters.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from actors.core.verdict import backoff_seconds
from storage.errors import StorageUnavailableError
from subjects.bus import BusUnavailableError

logger = logging.getLogger(__name__)

T = TypeVar("T")
PATIENCE_SECONDS: Final = 600.0
"""After this long the message is given back; it counts one delivery, and another replica may fare better."""
LONGEST_PAUSE_SECONDS: Final = 1.0
Unavailable = (StorageUnavailableError, BusUnavailableError)


async def persevere(call: Callable[[], Awaitable[T]], extend: Callable[[], Awaitable[None]]) -> T:
    """Return what the idempotent `call` returns, trying again while a server is unavailable.

    Extends the message's ack wait between tries. Raises the last error once patience has run out.
    """
    give_up_at = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    attempt = 0
    while True:
        try:
            return await call()
        except Unavailable as error:
            attempt += 1
            if asyncio.get_running_loop().time() >= give_up_at:
                raise
            if attempt == 1:
                logger.warning("waiting for a server: %s", error)
            pause = min(backoff_seconds(attempt, random.random()), LONGEST_PAUSE_SECONDS)  # noqa: S311 - jitter
            await extend()
            await asyncio.sleep(pause)
