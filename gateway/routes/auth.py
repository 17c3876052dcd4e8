"""`POST /api/v1/auth/…`: register, sign in, refresh, sign out.

Nobody is told whether an account exists, except by taking its e-mail, which is limited, here and in `me.py`.
An unknown e-mail, a wrong password and a closed account get the same answer after the same work.
"""

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta

from gateway.audit import record, user_target
from gateway.identity import attempts
from gateway.identity.account_fields import (
    Email,
    GivenPassword,
    Name,
    NewPassword,
    checked_email,
    checked_name,
    checked_password,
)
from gateway.identity.minting import REFRESH_TOKEN, find_hash, mint
from gateway.identity.registering import account_id
from gateway.identity.signing_in import SignedIn, open_session, refused_sign_in, signed_in
from gateway.ports import Surroundings
from gateway.problems import ProblemError, problem_of
from gateway.route import Body, Call, Reply, Route
from storage.asking import SIGN_IN, Asking, asking_as
from storage.errors import EmailTakenError
from storage.identity_records import Account, Credentials, NewAccount, Role, Rotation

VERIFICATIONS: Final = 2
"""When the password's hash changes under a sign-in it is verified once more: it may have been made anew."""


class Registration(Body, frozen=True, kw_only=True):
    """A new account. Its role is the installation's choice."""

    email: Email
    password: NewPassword
    name: Name


class SignIn(Body, frozen=True, kw_only=True):
    """Who signs in."""

    email: Email
    password: GivenPassword


class RefreshToken(Body, frozen=True, kw_only=True):
    """A refresh token as it was given."""

    refresh_token: Annotated[str, Meta(max_length=200)]


async def register(house: Surroundings, call: Call) -> Reply:
    """Make an account and sign in. Raises ProblemError 403 when nobody may, 409 for a known e-mail.

    Repeated with its idempotency key it signs in (`gateway/identity/registering.py`), or is refused as that.
    """
    said: Registration = call.body
    role = house.config.register_as
    if role is None:
        raise ProblemError("forbidden", "Nobody may register here: ask an administrator for an account.")
    wanted = await _new_account(house, call, said, role)
    with asking_as(SIGN_IN):
        if not await house.ports.accounts.create(wanted):
            raise problem_of(EmailTakenError())
        account = await house.ports.accounts.find(wanted.id)
        if account is None:
            raise refused_sign_in()
        # Else a try before made it, with another salt.
        if await house.ports.accounts.find_password(account.id) == wanted.password_hash:
            target = user_target(account.id)
            await record(house, call, "account.registered", actor_id=account.id, target=target, role=role)
    answer = await _open(house, call, account, wanted.password_hash)
    if answer is None:
        answer, _ = await _sign_in(house, call, said.email, said.password)
    return Reply(body=answer)


async def _new_account(house: Surroundings, call: Call, said: Registration, role: Role) -> NewAccount:
    email, name = checked_email(said.email), checked_name(said.name)
    return NewAccount(
        id=account_id(house.config, call, email, name),
        email=email,
        name=name,
        password_hash=await house.passwords.hash(checked_password(said.password)),
        role=role,
        created_at=house.ports.now(),
    )


async def login(house: Surroundings, call: Call) -> Reply:
    """Sign in. Raises ProblemError 401, or 429 after too many that failed, or that did not."""
    said: SignIn = call.body
    answer, found = await _sign_in(house, call, said.email, said.password)
    await house.ports.limits.refund("sign_in", call.caller.holder)
    with asking_as(Asking(user_id=found.account.id)):
        await _rehash(house, found, said.password)
    return Reply(body=answer)


async def _sign_in(
    house: Surroundings, call: Call, email: str, password: str
) -> tuple[SignedIn, Credentials]:
    """Verify a password and open a session. Raises ProblemError 401 or 429."""
    for _ in range(VERIFICATIONS):
        found = await _verified(house, call, email, password)
        answer = await _open(house, call, found.account, found.password_hash)
        if answer is not None:
            return answer, found
    raise refused_sign_in()


async def _verified(house: Surroundings, call: Call, email: str, password: str) -> Credentials:
    tried = attempts.account_of(house.config, email)
    await attempts.spend(house, call, tried)
    with asking_as(SIGN_IN):
        found = await house.ports.accounts.find_credentials(email)
        fits = await house.passwords.matches(password, found.password_hash if found else None)
        if found is None or not fits:
            target = user_target(found.account.id) if found else None
            await record(house, call, "session.refused", target=target)
            raise refused_sign_in()
    await attempts.succeed(house, call, tried)
    return found


async def _rehash(house: Surroundings, found: Credentials, password: str) -> None:
    """Bring an older hash to today's costs: only now is the password at hand."""
    if house.passwords.is_outgrown(found.password_hash):
        stronger = await house.passwords.hash(password)
        await house.ports.accounts.replace_password(found.account.id, found.password_hash, stronger)


async def _open(house: Surroundings, call: Call, account: Account, verified_hash: str) -> SignedIn | None:
    opened = await open_session(house, account, verified_hash)
    if opened is None:
        return None
    answer, session_id = opened
    await record(
        house,
        call,
        "session.opened",
        actor_id=account.id,
        target=user_target(account.id),
        session=str(session_id),
    )
    return answer


async def refresh(house: Surroundings, call: Call) -> Reply:
    """Use a refresh token, once. Raises ProblemError 401."""
    said: RefreshToken = call.body
    now, successor = house.ports.now(), mint(REFRESH_TOKEN)
    token_hash = find_hash(said.refresh_token, REFRESH_TOKEN)
    if token_hash is None:
        raise refused_sign_in()
    expires_at = now + timedelta(seconds=house.config.refresh_token_seconds)
    with asking_as(SIGN_IN):
        rotation = await house.ports.sessions.rotate(token_hash, successor.secret_hash, now, expires_at)
        if rotation.kind == "reused":
            await _end(house, call, rotation, reused=True)
        account = (
            await house.ports.accounts.find(rotation.user_id)
            if rotation.kind == "rotated" and rotation.user_id is not None
            else None
        )
    if account is None or rotation.session_id is None:
        raise refused_sign_in()
    return Reply(body=signed_in(house, account, rotation.session_id, successor.secret))


async def logout(house: Surroundings, call: Call) -> Reply:
    """End the session of a refresh token, if it has one."""
    said: RefreshToken = call.body
    token_hash = find_hash(said.refresh_token, REFRESH_TOKEN)
    if token_hash is not None:
        with asking_as(SIGN_IN):
            rotation = await house.ports.sessions.revoke(token_hash, house.ports.now())
            if rotation.kind == "rotated":
                await _end(house, call, rotation, reused=False)
    return Reply()


async def _end(house: Surroundings, call: Call, ended: Rotation, *, reused: bool) -> None:
    """Make an ended session end here at once, and write it down. Who reused a token is not known."""
    if ended.user_id is None:
        return
    house.ports.identification.forget(ended.user_id)
    await record(
        house,
        call,
        "session.reused" if reused else "session.closed",
        actor_id=None if reused else ended.user_id,
        target=user_target(ended.user_id),
        session=str(ended.session_id),
    )


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/auth/register",
        handler=register,
        summary="Make an account and sign in; with the same Idempotency-Key again, sign in to it",
        group="Identity",
        body=Registration,
        answer=SignedIn,
        status=201,
        signs_in=True,
        limit="register",
        secret=True,
        problems=("email_taken", "forbidden", "invalid_credentials", "overloaded"),
        example={"email": "rain@example.org", "password": "correct horse", "name": "Rain"},
    ),
    Route(
        method="POST",
        path="/api/v1/auth/login",
        handler=login,
        summary="Sign in",
        group="Identity",
        body=SignIn,
        answer=SignedIn,
        signs_in=True,
        limit="sign_in",
        secret=True,
        problems=("invalid_credentials", "overloaded"),
        example={"email": "rain@example.org", "password": "correct horse"},
    ),
    Route(
        method="POST",
        path="/api/v1/auth/refresh",
        handler=refresh,
        summary="Exchange a refresh token for new tokens; a token that comes twice ends the sign-in",
        group="Identity",
        body=RefreshToken,
        answer=SignedIn,
        signs_in=True,
        limit="refresh",
        secret=True,
        problems=("invalid_credentials",),
        example={"refresh_token": "ttr_…"},
    ),
    Route(
        method="POST",
        path="/api/v1/auth/logout",
        handler=logout,
        summary="Sign out: the refresh token and its access tokens open nothing any more",
        group="Identity",
        body=RefreshToken,
        status=204,
        signs_in=True,
        limit="refresh",
        example={"refresh_token": "ttr_…"},
    ),
)
