"""`GET`, `DELETE /api/v1/me/sessions`: where the caller is signed in."""

from datetime import datetime
from typing import Final
from uuid import UUID

from gateway.audit import record, user_target
from gateway.paging import PageQuery
from gateway.ports import Surroundings
from gateway.route import Answer, Call, Reply, Route

SESSIONS: Final = "/api/v1/me/sessions"


class Session(Answer, frozen=True, kw_only=True):
    """A sign-in that is alive."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    """Moves on with every refresh."""
    current: bool
    """Whether this request came with it."""


class SessionPage(Answer, frozen=True, kw_only=True):
    """A page of sign-ins that are alive, newest first."""

    data: tuple[Session, ...]
    next_cursor: str | None


async def list_sessions(house: Surroundings, call: Call) -> Reply:
    """Return a page of where the caller is signed in."""
    asked: PageQuery = call.query
    before, now = asked.find_id(house.config), house.ports.now()
    found = await house.ports.sessions.page(call.caller.user_id, asked.one_more, before=before, live_at=now)
    page, cursor = asked.cut(house.config, found, lambda one: (one.created_at, one.id))
    shown = (
        Session(
            id=one.id,
            created_at=one.created_at,
            expires_at=one.expires_at,
            current=one.id == call.caller.session_id,
        )
        for one in page
    )
    return Reply(body=SessionPage(data=tuple(shown), next_cursor=cursor))


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
        summary="Where you are signed in, newest first",
        group="Identity",
        query=PageQuery,
        answer=SessionPage,
        needs="account.read",
    ),
    Route(
        method="DELETE",
        path=SESSIONS,
        handler=end_sessions,
        summary="Sign out everywhere; API keys stay until you revoke them",
        group="Identity",
        status=204,
        needs="account.change",
    ),
)
