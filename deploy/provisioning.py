"""Brings servers to what the code expects: migrations, streams, durables and schedules."""

from typing import Final

import asyncpg

from actors.core.actor import durables_of
from actors.core.dead_letters import ADVISORY_DURABLE
from deploy.composition import ACTORS
from deploy.settings import Settings, SettingsError
from storage.migrations import migrate
from subjects import schedule
from subjects.administration import apply
from subjects.codec import seal
from subjects.jetstream import connect
from subjects.message import Priority
from subjects.streams import STREAMS, Durable
from subjects.work import SweepDue

SWEEP_SCHEDULE: Final = "schedule.expirer.sweep"


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
