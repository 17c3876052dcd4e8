"""Everything that is kept, as one value for the composition root to hand around."""

from dataclasses import dataclass

from storage.identity_ports import Accounts, ApiKeys, Audit, Departures, Sessions
from storage.limits_port import Buckets
from storage.ports import Cache, Dependency, Idempotency, Objects, Outbox, Stages, Uploads, Videos
from storage.renditions_port import Renditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The ports, whoever stands behind them."""

    videos: Videos
    stages: Stages
    renditions: Renditions
    uploads: Uploads
    outbox: Outbox
    idempotency: Idempotency
    accounts: Accounts
    sessions: Sessions
    api_keys: ApiKeys
    departures: Departures
    audit: Audit
    objects: Objects
    cache: Cache
    buckets: Buckets
    database: Dependency
    """What all but objects, cache and buckets rely on; for readiness."""
