"""Whether the database user of a process that serves clients is held to row-level security.

The policies hold nobody who owns the tables, is a superuser or may bypass them, and somebody connects as such
a user sooner than they think: it is who migrates. So such a process says that it is not ready.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from storage.postgres.pool import open_database
from storage.queries import Queries

_WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unmigrated": "has no group to belong to yet: run `truthtok migrate`",
        "bypasses": "is, or may become, a superuser or one with BYPASSRLS",
        "owns": "owns the tables, or may become their owner",
        "works_for_all": "belongs to truthtok_actor, the group of actors, who work for everybody",
        "stranger": "does not belong to truthtok_gateway, or does not inherit its rights",
    }
)
_REMEDY: Final = (
    "give this process a database user of its own: create role … login password '…' in role truthtok_gateway"
)


async def find_freedom(database_url: str) -> str | None:
    """Return in a sentence why the user of a URL is not held to the policies; None when it is.

    Raises StorageUnavailableError.
    """
    async with open_database(database_url, application_name="truthtok ready", connections_max=1) as database:
        row = await database.fetch_row(Queries.read("confinement")["find_freedom"])
    if row is None or row["freedom"] is None:
        return None
    sentence = f"the database user {row['name']} {_WHY[row['freedom']]}"
    return sentence if row["freedom"] == "unmigrated" else f"{sentence}: {_REMEDY}"
