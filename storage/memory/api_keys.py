"""Twin of the API keys."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec.structs import asdict, replace

from storage.identity_records import ApiKey, NewApiKey, Standing
from storage.memory.people import ServiceKey
from storage.memory.state import State
from storage.words import storable


@dataclass(frozen=True, slots=True)
class MemoryApiKeys:
    """Keeps keys of services in the shared state."""

    state: State

    async def create(self, key: NewApiKey, limit: int) -> bool:
        """Keep a new key unless the user has enough of them; a known id changes nothing."""
        if self.state.person(key.user_id) is None:
            return False
        if key.id in self.state.api_keys:
            return True
        if len(self._live(key.user_id)) >= limit:
            return False
        said = asdict(key) | {"name": storable(key.name)}
        secret_hash = said.pop("secret_hash")
        self.state.api_keys[key.id] = ServiceKey(key=ApiKey(**said), secret_hash=secret_hash)
        return True

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[ApiKey]:
        """Return up to `limit` of a user's live keys, the oldest id first."""
        keys = sorted((kept.key for kept in self._live(user_id)), key=lambda key: key.id)
        return [key for key in keys if after is None or key.id > after][:limit]

    async def revoke(self, key_id: UUID, user_id: UUID, now: datetime) -> bool:
        """End a key of this user."""
        for kept in self._live(user_id):
            if kept.key.id == key_id:
                kept.key = replace(kept.key, revoked_at=now)
                return True
        return False

    async def find_standing(self, secret_hash: bytes) -> Standing | None:
        """Return what a key gives its holder now."""
        for kept in self.state.api_keys.values():
            person = self.state.person(kept.key.user_id)
            if kept.secret_hash == secret_hash and kept.key.revoked_at is None and person:
                return Standing(
                    user_id=person.account.id,
                    role=person.account.role,
                    key_id=kept.key.id,
                    scopes=kept.key.scopes,
                )
        return None

    async def touch(self, key_id: UUID, now: datetime) -> None:
        """Keep when a key was last used; the latest time stands."""
        kept = self.state.api_keys.get(key_id)
        if kept is not None and kept.key.revoked_at is None:
            latest = max(kept.key.last_used_at or now, now)
            kept.key = replace(kept.key, last_used_at=latest)

    def _live(self, user_id: UUID) -> list[ServiceKey]:
        if self.state.person(user_id) is None:
            return []
        mine = (kept for kept in self.state.api_keys.values() if kept.key.user_id == user_id)
        return [kept for kept in mine if kept.key.revoked_at is None]
