"""`GET`, `DELETE /api/v1/me/sessions`: where the caller is signed in."""

from datetime import datetime
from typing import Final
from uuid import UUID

from gateway.audit import record, user_target
from gateway.ports import Surroundings
from gateway.route import Answer, Call, Reply, Route

SESSIONS: Final = "/api/v1/me/sessions"
SHOWN_MAX: Final = 100


class Session(Answer, frozen=True, kw_only=True):
    """A sign-in that is alive."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    """Moves on with every refresh."""
    current: bool
    """Whether this request came with it."""


class SessionList(Answer, frozen=True, kw_only=True):
    """The newest sign-ins that are alive, at most 100."""

    data: tuple[Session, ...]


async def list_sessions(house: Surroundings, call: Call) -> Reply:
    """Return where the caller is signed in."""
    now, found = house.ports.now(), await house.ports.sessions.page(call.caller.user_id, SHOWN_MAX)
    alive = (one for one in found if one.revoked_at is None and one.expires_at > now)
    shown = (
        Session(
            id=one.id,
            created_at=one.created_at,
            expires_at=one.expires_at,
            current=one.id == call.caller.session_id,
        )
        for one in alive
    )
    return Reply(body=SessionList(data=tuple(shown)))


async def end_sessions(house: Surroundings, call: Call) -> Reply:
    """Sign out everywhere, here too."""
    user_id = call.caller.user_id
    ended = await house.ports.sessions.revoke_all(user_id, house.ports.now())
    house.ports.identification.forget(user_id)
    await record(house, call, "session.closed", target=user_target(user_id), sessions_ended=ended)
    return Reply()


ROUTES: Final = (
    Route(
        method="GET",
        path=SESSIONS,
        handler=list_sessions,
        summary="Where you are signed in",
        group="Identity",
        answer=SessionList,
        needs="account.read",
    ),
    Route(
        method="DELETE",
        path=SESSIONS,
        handler=end_sessions,
        summary="Sign out everywhere",
        group="Identity",
        status=204,
        needs="account.change",
    ),
)
