"""`POST`, `GET`, `DELETE /api/v1/api-keys`: keys of services, narrowed to scopes."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from gateway.audit import key_target, record
from gateway.body import field_problem
from gateway.identity.account_fields import Name, checked_name
from gateway.identity.minting import API_KEY, Minted, mint
from gateway.paging import PageQuery
from gateway.policy import Scope, find_scope_beyond
from gateway.ports import Surroundings
from gateway.problems import ProblemError
from gateway.route import Answer, Body, Call, Reply, Route
from storage.identity_records import ApiKey, NewApiKey
from subjects.ids import new_id

KEYS: Final = "/api/v1/api-keys"
LIVE_MAX: Final = 50
"""One account has at most so many keys at once."""


class KeyIntent(Body, frozen=True, kw_only=True):
    """A key to be made."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=20)]
    """What it is narrowed to. Never more than its owner's role gives."""


class Key(Answer, frozen=True, kw_only=True):
    """A key as its owner sees it."""

    id: UUID
    name: str
    prefix: str
    """How the secret begins."""
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    """To the minute."""


class NewKey(Key, frozen=True, kw_only=True):
    """A key that was just made, with its secret: told now and never again."""

    secret: str


class KeyPage(Answer, frozen=True, kw_only=True):
    """A page of keys that are alive, oldest first."""

    data: tuple[Key, ...]
    next_cursor: str | None


async def create_key(house: Surroundings, call: Call) -> Reply:
    """Make a key. Raises ProblemError 403 for a scope beyond the role, 409 for too many keys."""
    said: KeyIntent = call.body
    minted = mint(API_KEY)
    key = _new_key(house, call, said, minted)
    if not await house.ports.api_keys.create(key, LIVE_MAX):
        raise ProblemError("conflict", f"An account has at most {LIVE_MAX} keys: revoke one first.")
    await record(house, call, "key.created", target=key_target(key.id), scopes=list(key.scopes))
    told = NewKey(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        scopes=key.scopes,
        created_at=key.created_at,
        last_used_at=None,
        secret=minted.secret,
    )
    return Reply(body=told, headers={"Location": f"{KEYS}/{key.id}"})


def _new_key(house: Surroundings, call: Call, said: KeyIntent, minted: Minted) -> NewApiKey:
    """Return the row of a key.

    Its id is new on every try: what broke off kept the hash of a secret that nobody was told.
    """
    name, now, scopes = checked_name(said.name), house.ports.now(), tuple(dict.fromkeys(said.scopes))
    role = call.caller.role
    beyond = find_scope_beyond(role, said.scopes) if role is not None else 0
    if beyond is not None:
        detail = f"gives more than the role {role} has"
        raise field_problem(f"/scopes/{beyond}", detail, code="forbidden")
    return NewApiKey(
        id=new_id(now),
        user_id=call.caller.user_id,
        name=name,
        prefix=minted.shown,
        secret_hash=minted.secret_hash,
        scopes=scopes,
        created_at=now,
    )


async def list_keys(house: Surroundings, call: Call) -> Reply:
    """Return a page of the caller's keys."""
    asked: PageQuery = call.query
    after = asked.find_id(house.config)
    found = await house.ports.api_keys.page(call.caller.user_id, after, asked.one_more)
    shown, cursor = asked.cut(house.config, found, lambda key: (key.created_at, key.id))
    return Reply(body=KeyPage(data=tuple(map(present_key, shown)), next_cursor=cursor))


async def get_key(house: Surroundings, call: Call) -> Reply:
    """Return one of the caller's keys."""
    for key in await house.ports.api_keys.page(call.caller.user_id, None, LIVE_MAX):
        if key.id == call.subject_id:
            return Reply(body=present_key(key))
    raise _no_key()


async def revoke_key(house: Surroundings, call: Call) -> Reply:
    """End a key."""
    user_id = call.caller.user_id
    if not await house.ports.api_keys.revoke(call.subject_id, user_id, house.ports.now()):
        raise _no_key()
    house.ports.identification.forget(user_id)
    await record(house, call, "key.revoked", target=key_target(call.subject_id))
    return Reply()


def present_key(key: ApiKey) -> Key:
    """Return a key's representation. Pure."""
    return Key(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        scopes=key.scopes,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
    )


def _no_key() -> ProblemError:
    return ProblemError("not_found", "There is no such key of yours that is alive.")


ROUTES: Final = (
    Route(
        method="POST",
        path=KEYS,
        handler=create_key,
        summary="Make an API key; its secret is told once",
        group="Identity",
        body=KeyIntent,
        answer=NewKey,
        status=201,
        needs="keys.manage",
        secret=True,
        problems=("conflict",),
        example={"name": "nightly upload", "scopes": ["videos:write"]},
    ),
    Route(
        method="GET",
        path=KEYS,
        handler=list_keys,
        summary="List your API keys, oldest first",
        group="Identity",
        query=PageQuery,
        answer=KeyPage,
        needs="keys.manage",
    ),
    Route(
        method="GET",
        path=f"{KEYS}/{{key_id}}",
        handler=get_key,
        summary="One of your API keys",
        group="Identity",
        answer=Key,
        needs="keys.manage",
    ),
    Route(
        method="DELETE",
        path=f"{KEYS}/{{key_id}}",
        handler=revoke_key,
        summary="Revoke an API key",
        group="Identity",
        status=204,
        needs="keys.manage",
    ),
)
