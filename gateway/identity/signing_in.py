"""What a sign-in gives: an access token for minutes, and a refresh token that is used once."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from gateway.identity.account import User, present_user
from gateway.identity.minting import REFRESH_TOKEN, mint
from gateway.ports import Surroundings
from gateway.problems import ProblemError
from gateway.route import Answer
from storage.asking import Asking, asking_as
from storage.identity_records import Account, NewSession
from subjects.ids import new_id


class SignedIn(Answer, frozen=True, kw_only=True):
    """Who signed in, and their tokens."""

    user: User
    access_token: str
    """Send it as `Authorization: Bearer …`."""
    refresh_token: str
    """Gives new tokens, once. Presented twice, it ends the whole sign-in: it was stolen."""
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a name of RFC 6750
    expires_in: int
    """Seconds the access token works."""


async def open_session(
    house: Surroundings, account: Account, verified_hash: str
) -> tuple[SignedIn, UUID] | None:
    """Open a session of an account; return its tokens and its id.

    None when that hash is no longer what is kept of its password. Asks as the owner.

    The id is new on every try: what broke off kept the hash of a token that nobody was told.
    """
    now, first = house.ports.now(), mint(REFRESH_TOKEN)
    session_id = new_id(now)
    session = NewSession(
        id=session_id,
        user_id=account.id,
        token_hash=first.secret_hash,
        created_at=now,
        expires_at=now + timedelta(seconds=house.config.refresh_token_seconds),
    )
    with asking_as(Asking(user_id=account.id)):
        if not await house.ports.sessions.open(session, verified_hash=verified_hash):
            return None
    return signed_in(house, account, session_id, first.secret), session_id


def signed_in(house: Surroundings, account: Account, session_id: UUID, refresh_token: str) -> SignedIn:
    """Return the answer to somebody who signed in."""
    return SignedIn(
        user=present_user(account),
        access_token=house.tokens.issue(account.id, session_id, house.ports.now()),
        refresh_token=refresh_token,
        expires_in=house.tokens.seconds,
    )


def refused_sign_in() -> ProblemError:
    """Return the one 401 for everything that may be wrong: which of it is nobody's business."""
    return ProblemError(
        "invalid_credentials",
        "E-mail and password do not fit, or the token does not open a sign-in.",
        headers={"WWW-Authenticate": 'Bearer realm="truthtok"'},
    )
