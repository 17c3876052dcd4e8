"""Twin of the sessions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from storage.identity_records import NewSession, Rotation, Session, Standing
from storage.memory.people import Family, RefreshToken
from storage.memory.state import State

_UNKNOWN = Rotation(kind="unknown")


@dataclass(frozen=True, slots=True)
class MemorySessions:
    """Keeps sessions and their refresh tokens in the shared state."""

    state: State

    async def open(self, session: NewSession, *, verified_hash: str | None = None) -> bool:
        """Keep a new session of an account whose password is still the one that was verified."""
        person = self.state.person(session.user_id)
        if person is None or not person.has_password(verified_hash):
            return False
        if session.id in self.state.sessions:
            return True
        public = Session(id=session.id, created_at=session.created_at, expires_at=session.expires_at)
        self.state.sessions[session.id] = Family(session=public, user_id=session.user_id)
        self.state.refresh_tokens[session.token_hash] = RefreshToken(session_id=session.id)
        return True

    async def rotate(
        self, token_hash: bytes, successor_hash: bytes, now: datetime, expires_at: datetime
    ) -> Rotation:
        """Use a refresh token once, or end the session that it was stolen from."""
        family = self._family_of(token_hash, now)
        if family is None:
            return _UNKNOWN
        token, session_id = self.state.refresh_tokens[token_hash], family.session.id
        if token.used_at is not None:
            family.session = replace(family.session, revoked_at=now)
            return Rotation(kind="reused", user_id=family.user_id, session_id=session_id)
        token.used_at = now
        family.session = replace(family.session, expires_at=expires_at)
        self._forget_tokens(session_id, now - (expires_at - now))
        self.state.refresh_tokens[successor_hash] = RefreshToken(session_id=session_id)
        return Rotation(kind="rotated", user_id=family.user_id, session_id=session_id)

    def _forget_tokens(self, session_id: UUID, used_before: datetime) -> None:
        for token_hash, token in list(self.state.refresh_tokens.items()):
            if token.session_id == session_id and token.used_at and token.used_at < used_before:
                del self.state.refresh_tokens[token_hash]

    async def revoke(self, token_hash: bytes, now: datetime) -> Rotation:
        """End the session of a refresh token."""
        family = self._family_of(token_hash, now)
        if family is None:
            return _UNKNOWN
        family.session = replace(family.session, revoked_at=now)
        return Rotation(kind="rotated", user_id=family.user_id, session_id=family.session.id)

    async def revoke_all(self, user_id: UUID, now: datetime) -> int:
        """End all sessions of a user."""
        alive = [
            family
            for family in self.state.sessions.values()
            if family.user_id == user_id and self._is_alive(family, now)
        ]
        for family in alive:
            family.session = replace(family.session, revoked_at=now)
        return len(alive)

    async def page(
        self, user_id: UUID, limit: int, *, before: UUID | None = None, live_at: datetime | None = None
    ) -> list[Session]:
        """Return up to `limit` of a user's sessions, the newest first."""
        if self.state.person(user_id) is None:
            return []
        mine = [
            family.session
            for family in self.state.sessions.values()
            if family.user_id == user_id and (live_at is None or self._is_alive(family, live_at))
        ]
        older = [session for session in mine if before is None or session.id < before]
        return sorted(older, key=lambda session: session.id, reverse=True)[:limit]

    async def find_standing(self, session_id: UUID, now: datetime) -> Standing | None:
        """Return what a session gives its holder now."""
        family = self.state.sessions.get(session_id)
        person = self.state.person(family.user_id) if family and self._is_alive(family, now) else None
        if person is None:
            return None
        return Standing(user_id=person.account.id, role=person.account.role, session_id=session_id)

    def _family_of(self, token_hash: bytes, now: datetime) -> Family | None:
        token = self.state.refresh_tokens.get(token_hash)
        family = self.state.sessions.get(token.session_id) if token else None
        return family if family and self._is_alive(family, now) else None

    def _is_alive(self, family: Family, now: datetime) -> bool:
        session = family.session
        over = session.revoked_at is not None or session.expires_at <= now
        return not over and self.state.person(family.user_id) is not None
