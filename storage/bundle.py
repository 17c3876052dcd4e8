"""Everything that is kept, as one value for the composition root to hand around."""

from dataclasses import dataclass

from storage.ports import Cache, Dependency, Idempotency, Objects, Outbox, Stages, Uploads, Videos


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The ports, whoever stands behind them."""

    videos: Videos
    stages: Stages
    uploads: Uploads
    outbox: Outbox
    idempotency: Idempotency
    objects: Objects
    cache: Cache
    database: Dependency
    """What the first five rely on; for readiness."""
