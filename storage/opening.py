"""The real storage, opened once by the composition root."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from storage.bundle import Storage
from storage.ports import Objects
from storage.postgres.account_seals import AccountSeals
from storage.postgres.accounts import PostgresAccounts
from storage.postgres.api_keys import PostgresApiKeys
from storage.postgres.audit import PostgresAudit
from storage.postgres.departures import PostgresDepartures
from storage.postgres.idempotency import PostgresIdempotency
from storage.postgres.outbox import PostgresOutbox
from storage.postgres.pool import open_database
from storage.postgres.renditions import PostgresRenditions
from storage.postgres.sessions import PostgresSessions
from storage.postgres.stages import PostgresStages
from storage.postgres.uploads import PostgresUploads
from storage.postgres.videos import PostgresVideos
from storage.redis import open_cache
from storage.redis_buckets import RedisBuckets
from storage.sealing import Vault


@asynccontextmanager
async def open_storage(
    database_url: str,
    objects: Objects,
    redis_url: str,
    *,
    application_name: str = "truthtok",
    connections_max: int = 10,
    vault: Vault | None = None,
    asks: bool = False,
) -> AsyncIterator[Storage]:
    """Open Postgres and Redis for the body. Neither needs to be there yet: calls fail until they are.

    Without a vault accounts can be neither read nor written: such calls raise VaultMissingError.
    `asks` is for processes whose database user is held to row-level security (see `storage/asking.py`).
    """
    async with (
        open_database(
            database_url, application_name=application_name, connections_max=connections_max, asks=asks
        ) as database,
        open_cache(redis_url) as cache,
    ):
        yield Storage(
            videos=PostgresVideos(database),
            stages=PostgresStages(database),
            renditions=PostgresRenditions(database),
            uploads=PostgresUploads(database),
            outbox=PostgresOutbox(database),
            idempotency=PostgresIdempotency(database),
            accounts=PostgresAccounts(database, AccountSeals(vault)),
            sessions=PostgresSessions(database),
            api_keys=PostgresApiKeys(database),
            departures=PostgresDepartures(database),
            audit=PostgresAudit(database),
            objects=objects,
            cache=cache,
            buckets=RedisBuckets(cache.client, cache.breaker),
            database=database,
        )
