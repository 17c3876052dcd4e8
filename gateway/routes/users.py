"""`GET /api/v1/users`, `PUT /api/v1/users/{user_id}/role`: what an administrator decides about accounts."""

from typing import Any, Final

from gateway.audit import record, user_target
from gateway.identity.account import User, present_user
from gateway.paging import PageQuery
from gateway.ports import Surroundings
from gateway.problems import ProblemError
from gateway.route import Answer, Body, Call, Reply, Route
from storage.identity_records import Role

USERS: Final = "/api/v1/users"


class RoleChange(Body, frozen=True, kw_only=True):
    """What an account shall be allowed to do."""

    role: Role


class UserPage(Answer, frozen=True, kw_only=True):
    """A page of accounts that are not closed, oldest first."""

    data: tuple[User, ...]
    next_cursor: str | None


async def list_users(house: Surroundings, call: Call) -> Reply:
    """Return a page of accounts."""
    asked: PageQuery = call.query
    found = await house.ports.accounts.page(asked.find_id(house.config), asked.one_more)
    shown, cursor = asked.cut(house.config, found, lambda account: (account.created_at, account.id))
    return Reply(body=UserPage(data=tuple(map(present_user, shown)), next_cursor=cursor))


async def change_role(house: Surroundings, call: Call) -> Reply:
    """Give an account a role. Raises ProblemError 409 for one's own, so that an administrator is left."""
    wanted: RoleChange = call.body
    before = await house.ports.accounts.find(call.subject_id)
    if before is None:
        raise _no_account()
    if before.role == wanted.role:
        return Reply(body=present_user(before))
    if before.id == call.caller.user_id:
        raise ProblemError("conflict", "Nobody changes their own role: ask another administrator.")
    after = await house.ports.accounts.set_role(before.id, wanted.role)
    if after is None:
        raise _no_account()
    house.ports.identification.forget(after.id)
    change: dict[str, Any] = {"from": before.role, "to": after.role}
    await record(house, call, "role.changed", target=user_target(after.id), **change)
    return Reply(body=present_user(after))


def _no_account() -> ProblemError:
    return ProblemError("not_found", "There is no such account.")


ROUTES: Final = (
    Route(
        method="GET",
        path=USERS,
        handler=list_users,
        summary="List accounts, oldest first",
        group="Identity",
        query=PageQuery,
        answer=UserPage,
        needs="roles.assign",
    ),
    Route(
        method="PUT",
        path=f"{USERS}/{{user_id}}/role",
        handler=change_role,
        summary="Give an account a role; it counts within seconds",
        group="Identity",
        body=RoleChange,
        answer=User,
        needs="roles.assign",
        problems=("conflict",),
        example={"role": "moderator"},
    ),
)
