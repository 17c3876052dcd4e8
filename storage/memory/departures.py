"""Twin of the departures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from msgspec.structs import replace

from storage.memory.people import Family, Person
from storage.memory.state import State
from storage.records import LOCAL_USER_ID, Upload
from subjects.codec import Envelope

K = TypeVar("K")
V = TypeVar("V")
UPLOADS_KEPT: Final = timedelta(days=7)
SESSIONS_KEPT: Final = timedelta(days=30)
DAYS_KEPT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MemoryDepartures:
    """Forgets people of the shared state."""

    state: State

    async def close(self, user_id: UUID, announce: Envelope) -> bool:
        """Forget everything personal in an account and promise the news."""
        person = self.state.person(user_id)
        if person is None or user_id == LOCAL_USER_ID:
            return False
        bare = replace(person.account, email="", name="", role="viewer", updated_at=self.state.now())
        self.state.people[user_id] = Person(account=bare)
        self.state.closed_at[user_id] = self.state.now()
        self._end_sessions(lambda family: family.user_id == user_id)
        _drop(self.state.api_keys, lambda _, kept: kept.key.user_id == user_id)
        _drop(self.state.key_uses, lambda key, _: key[0] == user_id)
        _drop(self.state.upload_days, lambda day, _: day[0] == user_id)
        self.state.promise(announce)
        return True

    def _end_sessions(self, over: Callable[[Family], bool], limit: int | None = None) -> int:
        count = _drop(self.state.sessions, lambda _, family: over(family), limit)
        _drop(self.state.refresh_tokens, lambda _, token: token.session_id not in self.state.sessions)
        return count

    async def videos_of_closed(self, user_id: UUID, limit: int) -> list[UUID]:
        """Return up to `limit` videos of a closed account."""
        if user_id not in self.state.closed_at:
            return []
        oldest_first = sorted(self.state.videos.values(), key=lambda video: (video.created_at, video.id))
        return [video.id for video in oldest_first if video.user_id == user_id][:limit]

    async def terminate_uploads(self, user_id: UUID) -> int:
        """Close the uploads of a closed account that have no video."""
        mine = list(self._unfinished(user_id)) if user_id in self.state.closed_at else []
        for upload in mine:
            self.state.uploads[upload.id] = replace(upload, state="terminated")
            self.state.sweeps[upload.id].closed_at = self.state.now()
        return len(mine)

    def _unfinished(self, user_id: UUID) -> Iterator[Upload]:
        for upload in self.state.uploads.values():
            unfinished = upload.state == "open" or (upload.state == "complete" and upload.partial)
            if upload.user_id == user_id and upload.video_id is None and unfinished:
                yield upload

    async def purge(self, now: datetime, limit: int) -> int:
        """Delete what is kept of nobody any more."""
        oldest_day = (now.astimezone(UTC) - DAYS_KEPT).date()
        gone = _drop(self.state.uploads, lambda _, upload: self._is_spent(upload, now), limit)
        _drop(self.state.sweeps, lambda upload_id, _: upload_id not in self.state.uploads)
        gone += self._end_sessions(lambda family: _ended_at(family) < now - SESSIONS_KEPT, limit)
        gone += _drop(self.state.upload_days, lambda day, _: day[1] < oldest_day, limit)
        bare = [user_id for user_id in self.state.closed_at if not self._is_referred_to(user_id)][:limit]
        for user_id in bare:
            del self.state.closed_at[user_id], self.state.people[user_id]
        return gone + len(bare)

    def _is_spent(self, upload: Upload, now: datetime) -> bool:
        swept_at = self.state.sweeps[upload.id].swept_at
        if swept_at is None:
            return False
        return upload.user_id in self.state.closed_at or swept_at < now - UPLOADS_KEPT

    def _is_referred_to(self, user_id: UUID) -> bool:
        videos = any(video.user_id == user_id for video in self.state.videos.values())
        return videos or any(upload.user_id == user_id for upload in self.state.uploads.values())


def _ended_at(family: Family) -> datetime:
    session = family.session
    return min(session.expires_at, session.revoked_at or session.expires_at)


def _drop(rows: dict[K, V], goes: Callable[[K, V], bool], limit: int | None = None) -> int:
    """Delete up to `limit` rows and return how many went."""
    keys = [key for key, row in rows.items() if goes(key, row)][:limit]
    for key in keys:
        del rows[key]
    return len(keys)
