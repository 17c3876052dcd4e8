"""Brings servers to what the code expects: migrations, streams, durables, schedules, the operator's key."""

from datetime import UTC, datetime
from typing import Final

import asyncpg

from actors.core.actor import durables_of
from actors.core.dead_letters import ADVISORY_DURABLE
from deploy.composition import ACTORS
from deploy.keyring import KEYS_FILE
from deploy.settings import Settings, SettingsError
from deploy.stack_errors import StackError
from gateway.identity.minting import SHOWN_LENGTH, hash_of
from gateway.policy import Scope
from storage.identity_records import NewApiKey
from storage.migrations import migrate
from storage.postgres.api_keys import PostgresApiKeys
from storage.postgres.pool import open_database
from storage.records import LOCAL_USER_ID
from subjects import schedule
from subjects.administration import apply
from subjects.codec import seal
from subjects.ids import new_id
from subjects.jetstream import connect
from subjects.message import Priority
from subjects.streams import STREAMS, Durable
from subjects.work import SweepDue

SWEEP_SCHEDULE: Final = "schedule.expirer.sweep"
LOCAL_KEY_NAME: Final = "truthtok up"
LOCAL_SCOPES: Final[tuple[Scope, ...]] = ("videos:read", "videos:write")
LOCAL_KEYS_MAX: Final = 100


def all_durables() -> tuple[Durable, ...]:
    """Return the durables of every actor, and of the undertaker."""
    return (*(durable for kind in ACTORS for durable in durables_of(kind)), ADVISORY_DURABLE)


async def migrate_database(settings: Settings) -> list[str]:
    """Apply missing migrations and return their names. Safe when several processes start at once.

    Raises SettingsError when the server does not let us in, and what `migrate` raises.
    """
    settings.need("database_url")
    try:
        return await migrate(settings.database_url)
    except (asyncpg.PostgresError, ValueError) as error:  # no such user or database, an option that is none
        raise SettingsError(f"DATABASE_URL: {error}") from error


async def apply_nats(settings: Settings, *, delete_undeclared: bool = False) -> list[str]:
    """Make the server match the declarations and return what changed, in words.

    Durables that nobody declares are named, and deleted only on request: they may belong to newer code.
    """
    settings.need("nats_url")
    async with connect(settings.nats_url, name="admin", seed=settings.nats_seed or None) as bus:
        applied = await apply(
            bus.wire,
            STREAMS,
            all_durables(),
            replicas=settings.nats_replicas,
            delete_undeclared=delete_undeclared,
        )
        sweep = seal(SweepDue(), message_id="", priority=Priority.LOW)
        scheduled = await schedule.every(bus, SWEEP_SCHEDULE, int(settings.sweep_seconds), sweep)
    return [
        *(f"created {name}" for name in applied.created),
        *(f"updated {name}" for name in applied.updated),
        *(f"deleted {name}" for name in applied.deleted),
        *(f"{name} is declared by nobody (--delete-undeclared)" for name in applied.undeclared),
        *([f"scheduled {SWEEP_SCHEDULE} every {settings.sweep_seconds:g} s"] if scheduled else []),
    ]


async def keep_local_key(settings: Settings, secret: str) -> None:
    """Make sure that the operator's own account has this API key, and no older one of a stack's making.

    Safe to repeat. Raises StackError for a key that was replaced by another, and StorageUnavailableError.
    """
    async with open_database(settings.database_url, application_name="truthtok up") as database:
        keys, now = PostgresApiKeys(database), datetime.now(UTC)
        made = local_key(secret, now)
        if await keys.find_standing(made.secret_hash):
            return
        try:
            await keys.create(made, LOCAL_KEYS_MAX)
        except asyncpg.UniqueViolationError as error:
            raise StackError(
                f"the API key in {KEYS_FILE} was revoked: remove local_api_key there, and a new one is made"
            ) from error
        for old in await keys.page(LOCAL_USER_ID, None, LOCAL_KEYS_MAX):
            if old.name == LOCAL_KEY_NAME and old.id != made.id:
                await keys.revoke(old.id, LOCAL_USER_ID, now)


def local_key(secret: str, now: datetime) -> NewApiKey:
    """Return the key of the operator's own account."""
    return NewApiKey(
        id=new_id(now),
        user_id=LOCAL_USER_ID,
        name=LOCAL_KEY_NAME,
        prefix=secret[:SHOWN_LENGTH],
        secret_hash=hash_of(secret),
        scopes=LOCAL_SCOPES,
        created_at=now,
    )
