"""What the API is given by the composition root, and what its handlers see."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from gateway.caller import Caller
from gateway.config import GatewayConfig
from gateway.event_stream import Seats
from gateway.events import Hub
from gateway.identity.access_tokens import AccessTokens
from gateway.identity.passwords import Passwords
from gateway.limits.buckets import BucketName
from gateway.sights import Sights
from storage.identity_ports import Accounts, ApiKeys, Audit, Departures, Sessions
from storage.ports import Idempotency, Uploads, Videos
from storage.sealing import Vault
from subjects.bus import Bus


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """How one durable of an actor stands."""

    actor: str
    priority: str
    stream: str
    pending: int
    """Messages not yet handed out."""
    in_flight: int
    """Handed out and not yet answered."""
    redelivered: int
    """Of those in flight, how many for the second time or more."""
    oldest_age_seconds: float | None = None
    """Age of the oldest message not yet done; None when there is none."""


class Queues(Protocol):
    """How much work waits for each actor."""

    async def list_queues(self) -> list[Queue]:
        """Return every durable's state. Raises BusUnavailableError."""


class Identification(Protocol):
    """Finds out who asks."""

    async def identify(self, headers: Mapping[str, str], stranger: Caller, request_id: str = "") -> Caller:
        """Return the caller, a nobody when the request names none.

        Raises ProblemError 401 for a token or key that is not in order, 400 for two different ones. What it
        names is checked against the account as it stands, at most a few seconds old.
        """

    def forget(self, user_id: UUID) -> None:
        """Look anew at what this user's sessions and keys give: role, sessions or keys have just changed."""


class Limits(Protocol):
    """How often somebody may do something."""

    async def spend(self, bucket: BucketName, holder: str) -> Mapping[str, str]:
        """Take one from a holder's bucket (`Caller.holder`) and return the RateLimit headers.

        Raises ProblemError 429 with these headers and Retry-After when it is empty.
        """

    async def refund(self, bucket: BucketName, holder: str) -> None:
        """Give one back: it was spent on something that turned out to be in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A server behind this one."""

    name: str
    ping: Callable[[], Awaitable[object]]
    required: bool = True
    """Without a required one nothing works; without another the answers are slower."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What stands behind the API."""

    videos: Videos
    uploads: Uploads
    idempotency: Idempotency
    accounts: Accounts
    departures: Departures
    sessions: Sessions
    api_keys: ApiKeys
    audit: Audit
    identification: Identification
    limits: Limits
    vault: Vault
    """Seals what must not lie in the open."""
    bus: Bus
    queues: Queues
    kick: Callable[[], None]
    """Tells the relay that the outbox holds something new; never blocks."""
    dependencies: tuple[Dependency, ...] = ()
    now: Callable[[], datetime] = utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a handler sees."""

    config: GatewayConfig
    ports: Ports
    hub: Hub
    seats: Seats
    document: bytes
    """The OpenAPI document."""
    passwords: Passwords
    tokens: AccessTokens
    sights: Sights = field(default_factory=Sights)
