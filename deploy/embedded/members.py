"""The database users of a stack's processes: each may what one group role may, and nothing else.

The groups are made by the migrations (`0016_row_level_security.sql`), so members are let in after these.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import asyncpg

from deploy.embedded.private_files import remembered_password
from deploy.stack_errors import StackError

GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {"api": "truthtok_gateway", "media": "truthtok_gateway", "actors": "truthtok_actor"}
)
"""The group of each member. All actors are one: the database holds them to nothing but their tables."""
CONNECT_SECONDS: Final = 5.0

# Written by the server, which quotes: a user's definition takes no parameters.
_LET_IN: Final = """
select format(
    case when to_regrole(quote_ident($1)) is null then 'create' else 'alter' end
    || ' role %1$I login password %2$L; grant %3$I to %1$I',
    $1::text, $2::text, $3::text
)
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A database user that belongs to a group."""

    name: str
    group: str
    password: str = field(repr=False)


def remembered_members(data_dir: Path) -> dict[str, Member]:
    """Return the members of a data directory, each with a password of its own, kept for its owner only."""
    return {
        who: Member(f"truthtok_{who}", group, remembered_password(data_dir / f"postgres.{who}.password"))
        for who, group in GROUPS.items()
    }


async def admit(superuser_url: str, members: Iterable[Member]) -> None:
    """Let members in, with the passwords that they have now. Safe to repeat. Raises StackError."""
    try:
        connection = await asyncpg.connect(superuser_url, ssl=False, timeout=CONNECT_SECONDS)
        try:
            for member in members:
                said = await connection.fetchval(_LET_IN, member.name, member.password, member.group)
                await connection.execute(said)
        finally:
            await connection.close(timeout=CONNECT_SECONDS)
    except (OSError, asyncpg.PostgresError) as error:
        raise StackError(f"the database users of the processes cannot be made: {error}") from error
