"""Who may do what: the one table. Roles give permissions, the scopes of an API key narrow them. Pure.

Reading what is public needs no permission. What is somebody's own is checked by the query that looks for it
(`owner_id`, `viewer_id`) and by the database (row-level security), not here.
"""

from collections.abc import Mapping
from typing import Final, Literal

from storage.identity_records import Role

Permission = Literal[
    "videos.view_own",
    "videos.view_any",
    "videos.create",
    "videos.change_own",
    "videos.change_any",
    "account.read",
    "account.change",
    "account.export",
    "keys.manage",
    "roles.assign",
    "audit.read",
    "operations",
]
"""`view_any`: private ones too. `change_*`: edit, retry, delete. `operations`: queues and dead letters."""

Scope = Literal["videos:read", "videos:write", "account:read", "moderation", "operations"]

_VIEWER: Final[frozenset[Permission]] = frozenset(
    {
        "videos.view_own",
        "videos.change_own",
        "account.read",
        "account.change",
        "account.export",
        "keys.manage",
    }
)
_CREATOR: Final[frozenset[Permission]] = _VIEWER | {"videos.create"}
_MODERATOR: Final[frozenset[Permission]] = _CREATOR | {"videos.view_any", "videos.change_any"}
_ADMIN: Final[frozenset[Permission]] = _MODERATOR | {"roles.assign", "audit.read", "operations"}

BY_ROLE: Final[Mapping[Role, frozenset[Permission]]] = {
    "viewer": _VIEWER,
    "creator": _CREATOR,
    "moderator": _MODERATOR,
    "admin": _ADMIN,
}
BY_SCOPE: Final[Mapping[Scope, frozenset[Permission]]] = {
    "videos:read": frozenset({"videos.view_own"}),
    "videos:write": frozenset({"videos.view_own", "videos.create", "videos.change_own"}),
    "account:read": frozenset({"account.read"}),
    "moderation": frozenset({"videos.view_own", "videos.view_any", "videos.change_own", "videos.change_any"}),
    "operations": frozenset({"audit.read", "operations"}),
}
"""Nothing here manages keys, roles or the account itself: that takes a person who signed in."""
BY_KEYS: Final[frozenset[Permission]] = frozenset().union(*BY_SCOPE.values())
"""What some API key may do."""


def permissions_of(role: Role, scopes: tuple[str, ...] | None) -> frozenset[Permission]:
    """Return what a role may do, narrowed to the scopes of a key, or None. Unknown scopes give nothing."""
    allowed = BY_ROLE[role]
    if scopes is None:
        return allowed
    granted = (permissions for scope, permissions in BY_SCOPE.items() if scope in scopes)
    return allowed & frozenset().union(*granted)


def find_scope_beyond(role: Role, scopes: tuple[Scope, ...]) -> int | None:
    """Return the place of the first scope that gives more than a role has, or None.

    Such a key would do nothing today, and would gain powers unasked on the day its holder does.
    """
    for place, scope in enumerate(scopes):
        if not BY_SCOPE[scope] <= BY_ROLE[role]:
            return place
    return None
