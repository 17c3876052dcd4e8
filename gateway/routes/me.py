"""`GET`, `PATCH`, `DELETE /api/v1/me`: the caller's own account."""

from typing import Final

from msgspec import UNSET, UnsetType

from gateway.audit import record, user_target
from gateway.body import field_problem
from gateway.identity import attempts
from gateway.identity.account import User, get_own_account, present_user
from gateway.identity.account_fields import (
    Email,
    GivenPassword,
    Name,
    NewPassword,
    checked_email,
    checked_name,
    checked_password,
)
from gateway.ports import Surroundings
from gateway.problems import FieldError, ProblemError
from gateway.route import Body, Call, Reply, Route
from storage.identity_records import Account, AccountChanges
from storage.records import LOCAL_USER_ID
from subjects.account import AccountClosed
from subjects.codec import derived_id, seal
from subjects.message import Priority

ME: Final = "/api/v1/me"


class AccountEdit(Body, frozen=True, kw_only=True):
    """What shall change. What is left out stays."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    password: NewPassword | UnsetType = UNSET
    current_password: GivenPassword | UnsetType = UNSET
    """Needed to change e-mail or password."""

    @property
    def changed(self) -> list[str]:
        """The names of what changes."""
        fields = ("name", "email", "password")
        return [name for name in fields if not isinstance(getattr(self, name), UnsetType)]


async def get_me(house: Surroundings, call: Call) -> Reply:
    """Return the caller's account."""
    return Reply(body=present_user(await get_own_account(house, call)))


async def edit_me(house: Surroundings, call: Call) -> Reply:
    """Change name, e-mail or password. A new password ends the caller's other sessions."""
    edit: AccountEdit = call.body
    _refuse_local(call)
    account = await get_own_account(house, call)
    changes, verified_hash = await _changes(house, call, edit)
    if edit.changed:
        account = await _edited(house, call, changes, verified_hash)
        await _settle(house, call, edit.changed)
    return Reply(body=present_user(account))


async def _changes(house: Surroundings, call: Call, edit: AccountEdit) -> tuple[AccountChanges, str | None]:
    """Return the changes as storage takes them, and the hash of the password that the caller knew.

    Raises ProblemError 403 or 422.
    """
    email = edit.email if isinstance(edit.email, UnsetType) else checked_email(edit.email)
    name = edit.name if isinstance(edit.name, UnsetType) else checked_name(edit.name)
    verified_hash: str | None = None
    if {"email", "password"} & {*edit.changed}:
        verified_hash = await _check_password(house, call, edit.current_password)
    if email is not UNSET:  # tells, as registering does, whether somebody has it
        await house.ports.limits.spend("register", call.caller.holder)
    password_hash: str | UnsetType = UNSET
    if not isinstance(edit.password, UnsetType):
        password_hash = await house.passwords.hash(checked_password(edit.password))
    return AccountChanges(email=email, name=name, password_hash=password_hash), verified_hash


async def _check_password(house: Surroundings, call: Call, given: str | UnsetType) -> str | None:
    """Return the hash of the password, which the caller knows. Raises ProblemError: tokens are stolen."""
    if isinstance(given, UnsetType):
        raise field_problem("/current_password", "needed to change e-mail or password")
    await attempts.spend(house, call, call.caller.holder)
    kept = await house.ports.accounts.find_password(call.caller.user_id)
    if not await house.passwords.matches(given, kept):
        await record(house, call, "session.refused", target=user_target(call.caller.user_id))
        detail = "is not the password of this account"
        raise ProblemError(
            "forbidden", f"/current_password: {detail}.", (FieldError("/current_password", detail),)
        )
    await attempts.succeed(house, call, call.caller.holder)
    return kept


async def _edited(
    house: Surroundings, call: Call, changes: AccountChanges, verified_hash: str | None
) -> Account:
    caller = call.caller
    account = await house.ports.accounts.edit(
        caller.user_id, changes, caller.session_id, verified_hash=verified_hash
    )
    return account if account is not None else await get_own_account(house, call)


async def _settle(house: Surroundings, call: Call, changed: list[str]) -> None:
    """Write down what changed; the sessions that a new password ended end here at once."""
    caller = call.caller
    target = user_target(caller.user_id)
    if "password" in changed:
        house.ports.identification.forget(caller.user_id)
        await record(house, call, "password.changed", target=target)
    others = [name for name in changed if name != "password"]
    if others:
        await record(house, call, "account.changed", target=target, fields=others)


async def delete_me(house: Surroundings, call: Call) -> Reply:
    """Close the account: nothing personal is left of it now, and what it made follows."""
    _refuse_local(call)
    user_id = call.caller.user_id
    announce = seal(
        AccountClosed(user_id=user_id),
        message_id=derived_id(str(user_id), "gateway", 0),
        priority=Priority.NORMAL,
        trace=call.trace,
    )
    closed = await house.ports.departures.close(user_id, announce)
    house.ports.kick()
    house.ports.identification.forget(user_id)
    if closed:
        await record(house, call, "account.closed", target=user_target(user_id))
    return Reply()


def _refuse_local(call: Call) -> None:
    if call.caller.user_id == LOCAL_USER_ID:
        raise ProblemError("conflict", "The local account belongs to the installation and stays as it is.")


ROUTES: Final = (
    Route(
        method="GET",
        path=ME,
        handler=get_me,
        summary="Your account",
        group="Identity",
        answer=User,
        etag=True,
        needs="account.read",
    ),
    Route(
        method="PATCH",
        path=ME,
        handler=edit_me,
        summary="Change name, e-mail or password; a new password ends your other sessions, and no API key",
        group="Identity",
        body=AccountEdit,
        answer=User,
        needs="account.change",
        problems=("conflict", "email_taken", "overloaded"),
        example={"password": "battery staple", "current_password": "correct horse"},
    ),
    Route(
        method="DELETE",
        path=ME,
        handler=delete_me,
        summary="Close your account: everything personal goes now, your videos follow",
        group="Identity",
        status=204,
        needs="account.change",
        problems=("conflict",),
    ),
)
