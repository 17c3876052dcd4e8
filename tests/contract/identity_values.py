"""People, sign-ins and keys that the identity contracts speak of."""

import asyncio
from collections.abc import Awaitable, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from storage.bundle import Storage
from storage.identity_records import NewAccount, NewApiKey, NewSession, Rotation
from tests.contract.storage_values import LATER, NOW

EMAIL = "Rain@Example.org"
HASH = "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA"


def new_account(**said: Any) -> NewAccount:
    usual = {"id": uuid4(), "email": EMAIL, "name": "Rain", "password_hash": HASH, "created_at": NOW}
    return NewAccount(**(usual | said))


async def register(storage: Storage, **said: Any) -> UUID:
    """Keep an account with an e-mail of its own, unless said otherwise."""
    account = new_account(**({"email": f"{uuid4()}@example.org"} | said))
    assert await storage.accounts.create(account)
    return account.id


def hashed(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def new_session(user_id: UUID, presented: str = "first", **said: Any) -> NewSession:
    usual = {"id": uuid4(), "created_at": NOW, "expires_at": LATER}
    return NewSession(**(usual | {"user_id": user_id, "token_hash": hashed(presented)} | said))


def new_key(user_id: UUID, **said: Any) -> NewApiKey:
    secret = uuid4().hex
    usual = {
        "id": uuid4(),
        "name": "importer",
        "prefix": f"tt_{secret[:8]}",
        "secret_hash": hashed(secret),
        "scopes": ("videos.read", "videos.write"),
        "created_at": NOW,
    }
    return NewApiKey(**(usual | {"user_id": user_id} | said))


async def kinds(rotations: Sequence[Awaitable[Rotation]]) -> list[str]:
    """What became of tokens presented at once, sorted."""
    return sorted([rotation.kind for rotation in await asyncio.gather(*rotations)])
