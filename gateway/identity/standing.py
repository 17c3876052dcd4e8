"""What sessions and keys give their holders, remembered for a few seconds.

So a request costs no look-up, and what was revoked elsewhere ends within these seconds; here it is forgotten
at once (`forget`). Many requests with one token at once look it up once.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from storage.identity_records import Standing

KEPT_SECONDS: Final = 5.0
CAPACITY: Final = 20_000
"""A kept standing takes about 500 bytes."""

Credential = UUID | bytes
"""A session's id, or the SHA-256 of a key's secret."""
LookUp = Callable[[], Awaitable[Standing | None]]
_Flight = asyncio.Future[Standing | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    standing: Standing | None
    until: float


@dataclass(frozen=True, slots=True)
class Standings:
    """A bounded memory of look-ups, the oldest forgotten first. Also remembers that there was nothing."""

    capacity: int = CAPACITY
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Credential, _Kept] = field(default_factory=OrderedDict)
    _flights: dict[Credential, _Flight] = field(default_factory=dict)

    async def find(self, credential: Credential, look_up: LookUp) -> Standing | None:
        """Return what a credential gives, at most `KEPT_SECONDS` old. Raises what `look_up` raises."""
        while True:
            kept = self._kept.get(credential)
            if kept is not None and self.clock() < kept.until:
                return kept.standing
            flight = self._flights.get(credential)
            if flight is None:
                return await self._fly(credential, look_up)
            try:
                return await asyncio.shield(flight)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Else the one who looked it up for us was given up: somebody else does.

    def forget(self, user_id: UUID) -> None:
        """Look anew at whatever this user holds: something of theirs has just changed."""
        for credential, kept in list(self._kept.items()):
            if kept.standing is not None and kept.standing.user_id == user_id:
                del self._kept[credential]
        # Whose those under way are is not known yet, and they may have read what was there before.
        self._flights.clear()

    async def _fly(self, credential: Credential, look_up: LookUp) -> Standing | None:
        """Look up for everybody who waits."""
        flight: _Flight = asyncio.get_running_loop().create_future()
        self._flights[credential] = flight
        try:
            standing = await look_up()
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # told to whoever waits, and no warning when nobody does
            raise
        except asyncio.CancelledError:
            flight.cancel()
            raise
        else:
            flight.set_result(standing)
            if self._flights.get(credential) is flight:
                self._keep(credential, standing)
            return standing
        finally:
            if self._flights.get(credential) is flight:
                del self._flights[credential]

    def _keep(self, credential: Credential, standing: Standing | None) -> None:
        self._kept[credential] = _Kept(standing, self.clock() + KEPT_SECONDS)
        self._kept.move_to_end(credential)
        while len(self._kept) > self.capacity:
            self._kept.popitem(last=False)
