"""An account as clients see it."""

from datetime import datetime
from uuid import UUID

from gateway.ports import Surroundings
from gateway.problems import unauthenticated
from gateway.route import Answer, Call
from storage.identity_records import Account, Role


class User(Answer, frozen=True, kw_only=True):
    """An account. E-mail and name of the local account, which is the operator's own, are empty."""

    id: UUID
    email: str
    name: str
    role: Role
    created_at: datetime


def present_user(account: Account) -> User:
    """Return an account's representation. Pure."""
    return User(
        id=account.id,
        email=account.email,
        name=account.name,
        role=account.role,
        created_at=account.created_at,
    )


async def get_own_account(house: Surroundings, call: Call) -> Account:
    """Return the caller's account. Raises ProblemError 401 when it was closed a moment ago."""
    account = await house.ports.accounts.find(call.caller.user_id)
    if account is None:
        raise unauthenticated("This account is closed.", "invalid_token")
    return account
