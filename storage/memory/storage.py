"""The twins of everything that Postgres keeps, over one state."""

from collections.abc import Callable
from datetime import datetime

from storage.bundle import Storage
from storage.memory.accounts import MemoryAccounts
from storage.memory.api_keys import MemoryApiKeys
from storage.memory.audit import MemoryAudit
from storage.memory.buckets import MemoryBuckets
from storage.memory.cache import MemoryCache
from storage.memory.departures import MemoryDepartures
from storage.memory.idempotency import MemoryIdempotency
from storage.memory.objects import MemoryObjects
from storage.memory.outbox import MemoryOutbox
from storage.memory.renditions import MemoryRenditions
from storage.memory.sessions import MemorySessions
from storage.memory.stages import MemoryStages
from storage.memory.state import State, utc_now
from storage.memory.uploads import MemoryUploads
from storage.memory.videos import MemoryVideos
from storage.records import CLAIM_SECONDS


class MemoryStorage:
    """What is kept of videos and of people, each twin seeing what the others write."""

    def __init__(self, now: Callable[[], datetime] = utc_now, claim_seconds: float = CLAIM_SECONDS) -> None:
        state = State(now=now)
        self.videos = MemoryVideos(state)
        self.stages = MemoryStages(state)
        self.renditions = MemoryRenditions(state)
        self.uploads = MemoryUploads(state)
        self.outbox = MemoryOutbox(state)
        self.idempotency = MemoryIdempotency(state, claim_seconds)
        self.accounts = MemoryAccounts(state)
        self.sessions = MemorySessions(state)
        self.api_keys = MemoryApiKeys(state)
        self.departures = MemoryDepartures(state)
        self.audit = MemoryAudit(state)
        self.database = MemoryDatabase()

    def bundle(self) -> Storage:
        """Return the ports as one value, with objects and a cache of their own."""
        return Storage(
            videos=self.videos,
            stages=self.stages,
            renditions=self.renditions,
            uploads=self.uploads,
            outbox=self.outbox,
            idempotency=self.idempotency,
            accounts=self.accounts,
            sessions=self.sessions,
            api_keys=self.api_keys,
            departures=self.departures,
            audit=self.audit,
            objects=MemoryObjects(),
            cache=MemoryCache(),
            buckets=MemoryBuckets(),
            database=self.database,
        )


class MemoryDatabase:
    """What readiness asks after."""

    async def ping(self) -> None:
        """Do nothing: memory is always there."""
