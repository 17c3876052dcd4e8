"""What the gateway and actors may ask of storage about people. Same rules as `storage/ports.py`.

Every method may raise StorageUnavailableError.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from storage.identity_records import (
    Account,
    AccountChanges,
    ApiKey,
    AuditEntry,
    Credentials,
    NewAccount,
    NewApiKey,
    NewSession,
    Role,
    Rotation,
    Session,
    Standing,
    UploadDay,
)
from subjects.codec import Envelope


class Accounts(Protocol):
    """People. E-mail and name are plain here, and sealed where they are kept.

    A closed account is not there, whatever is asked. Methods that read or write what is sealed may raise
    SealBrokenError, and VaultMissingError in a process without master keys.
    """

    async def create(self, account: NewAccount) -> bool:
        """Keep a new account. False when another account has the e-mail; a known id changes nothing."""

    async def find(self, user_id: UUID) -> Account | None:
        """Return an account that is not closed, or None."""

    async def find_credentials(self, email: str) -> Credentials | None:
        """Return the account with an e-mail, whatever its case, and its password's hash; or None."""

    async def find_password(self, user_id: UUID) -> str | None:
        """Return the hash of an account's password; None without an account or a password."""

    async def replace_password(self, user_id: UUID, old_hash: str, new_hash: str) -> bool:
        """Keep a new hash of the same password, unless it was changed in between (then False)."""

    async def edit(
        self,
        user_id: UUID,
        changes: AccountChanges,
        session_id: UUID | None = None,
        *,
        verified_hash: str | None = None,
    ) -> Account | None:
        """Apply the owner's changes; None without such an account. Raises EmailTakenError.

        A new password ends all sessions of the account but `session_id`, in the same transaction. With
        `verified_hash` nothing changes unless that is still kept of the password: raises
        PasswordChangedError, so of two who change it at once with the old one, one does.
        """

    async def set_role(self, user_id: UUID, role: Role) -> Account | None:
        """Give an account a role; None without such an account."""

    async def page(self, after: UUID | None, limit: int) -> list[Account]:
        """Return up to `limit` accounts that are not closed, the oldest id first, behind `after`."""

    async def upload_days(self, user_id: UUID, after: date | None, limit: int) -> list[UploadDay]:
        """Return up to `limit` days on which a user announced uploads, the oldest first, after `after`."""

    async def rewrap(self, limit: int) -> int:
        """Bring up to `limit` accounts under the newest key and return how many; 0 when none is left.

        One that cannot be moved holds up no other: call again while anything is returned. When nothing else
        is left its error is raised: SealBrokenError, or EmailTakenError when another account turns out to
        have its e-mail.
        """


class Departures(Protocol):
    """Accounts that are closed: first nothing personal is left, then nothing at all."""

    async def close(self, user_id: UUID, announce: Envelope) -> bool:
        """Forget everything personal in an account and promise `announce`, in one transaction.

        Sessions, API keys, idempotency keys and upload days go with it. The bare row stays until nothing
        refers to it any more (`purge`). No upload begins in it afterwards: creating one raises
        QuotaExceededError. False when there is no such account, it was closed before, or it is the
        installation's own (LOCAL_USER_ID).
        """

    async def videos_of_closed(self, user_id: UUID, limit: int) -> list[UUID]:
        """Return up to `limit` videos of a closed account that are still to be removed, the oldest first."""

    async def terminate_uploads(self, user_id: UUID) -> int:
        """Close the uploads of a closed account that have no video, to be swept; return how many those were.

        Open ones, and partial ones that were not used. Those with a video end when it is removed.
        """

    async def purge(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` closed accounts that nothing refers to, and their swept uploads first.

        Also deletes up to `limit` uploads that were swept a week ago or earlier, sessions that ended a month
        ago and upload days older than a week, whoever's. Returns how many rows went: call again while any do.
        """


class Sessions(Protocol):
    """Sign-ins and their refresh tokens, which are kept as SHA-256 hashes (32 bytes)."""

    async def open(self, session: NewSession, *, verified_hash: str | None = None) -> bool:
        """Keep a new session with its first refresh token; a known id changes nothing.

        False, having kept nothing, when the account is not there or closed; with `verified_hash` also when
        that is no longer what is kept of its password. So nobody who knew the old password is signed in
        once `Accounts.edit` has kept another one.
        """

    async def rotate(
        self, token_hash: bytes, successor_hash: bytes, now: datetime, expires_at: datetime
    ) -> Rotation:
        """Use a refresh token once and put its successor in its place, moving the session's expiry.

        Of two that present the same token at once one is `rotated`, the other `reused`: a token that comes
        twice was stolen, or is about to be, so its whole session is revoked. From then on, as after any other
        end, all of its tokens are `unknown`, used or not: `reused` is said once per session, by whoever ended
        it. A token that was used longer ago than `expires_at - now` may be forgotten, and is then `unknown`.
        """

    async def revoke(self, token_hash: bytes, now: datetime) -> Rotation:
        """End the session of a refresh token, used or not. `rotated` when it was alive, else `unknown`."""

    async def revoke_all(self, user_id: UUID, now: datetime) -> int:
        """End all sessions of a user; return how many that was."""

    async def page(
        self, user_id: UUID, limit: int, *, before: UUID | None = None, live_at: datetime | None = None
    ) -> list[Session]:
        """Return up to `limit` of a user's sessions, the newest id first, older than `before`.

        With `live_at` those alone that are alive then, however many others there are.
        """

    async def find_standing(self, session_id: UUID, now: datetime) -> Standing | None:
        """Return what a session gives its holder now; None when it is over or its account closed."""


class ApiKeys(Protocol):
    """Keys of services, kept as SHA-256 hashes (32 bytes)."""

    async def create(self, key: NewApiKey, limit: int) -> bool:
        """Keep a new key. A known id changes nothing.

        False when the user has `limit` live ones already, or no account that is open.
        """

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[ApiKey]:
        """Return up to `limit` of a user's live keys, the oldest id first, behind `after`."""

    async def revoke(self, key_id: UUID, user_id: UUID, now: datetime) -> bool:
        """End a key of this user. False when there is none that is alive."""

    async def find_standing(self, secret_hash: bytes) -> Standing | None:
        """Return what a key gives its holder now; None when there is none alive or its account is closed."""

    async def touch(self, key_id: UUID, now: datetime) -> None:
        """Keep when a key was last used. Callers say so now and then, not at every use."""


class Audit(Protocol):
    """The audit trail: append-only."""

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries. A known id changes nothing."""

    async def page(
        self, *, actor_id: UUID | None, target: str | None, before: UUID | None, limit: int
    ) -> list[AuditEntry]:
        """Return up to `limit` entries, the newest id first, older than `before`; None means any."""
