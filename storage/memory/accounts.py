"""Twin of the accounts. Nothing is sealed here: nothing is kept either."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from storage.errors import EmailTakenError, PasswordChangedError
from storage.identity_records import Account, AccountChanges, Credentials, NewAccount, Role, UploadDay
from storage.memory.people import Person
from storage.memory.state import State
from storage.sealing import folded_email
from storage.words import storable


@dataclass(frozen=True, slots=True)
class MemoryAccounts:
    """Keeps people in the shared state."""

    state: State

    async def create(self, account: NewAccount) -> bool:
        """Keep a new account unless another one has the e-mail; a known id changes nothing."""
        if account.id in self.state.people:
            return True
        if self._has(account.email):
            return False
        said = asdict(account) | {"email": storable(account.email), "name": storable(account.name)}
        password_hash = said.pop("password_hash")
        kept = Account(**said, updated_at=account.created_at)
        self.state.people[account.id] = Person(account=kept, password_hash=password_hash)
        return True

    async def find(self, user_id: UUID) -> Account | None:
        """Return an account that is not closed."""
        person = self.state.person(user_id)
        return person.account if person else None

    async def find_credentials(self, email: str) -> Credentials | None:
        """Return what a sign-in with this e-mail is checked against."""
        for person in self._with(email):
            if person.password_hash is not None:
                return Credentials(account=person.account, password_hash=person.password_hash)
        return None

    async def find_password(self, user_id: UUID) -> str | None:
        """Return the hash of an account's password."""
        person = self.state.person(user_id)
        return person.password_hash if person else None

    async def replace_password(self, user_id: UUID, old_hash: str, new_hash: str) -> bool:
        """Keep a new hash of the same password, unless it was changed in between."""
        person = self.state.person(user_id)
        if person is None or person.password_hash != old_hash:
            return False
        person.password_hash = new_hash
        return True

    async def edit(
        self,
        user_id: UUID,
        changes: AccountChanges,
        session_id: UUID | None = None,
        *,
        verified_hash: str | None = None,
    ) -> Account | None:
        """Apply the owner's changes."""
        person = self.state.person(user_id)
        if person is None:
            return None
        if not person.has_password(verified_hash):
            raise PasswordChangedError
        if changes.email is not msgspec.UNSET and self._has(changes.email, but=user_id):
            raise EmailTakenError("another account has this e-mail")
        said = {name: value for name, value in asdict(changes).items() if value is not msgspec.UNSET}
        if "password_hash" in said:
            person.password_hash = said.pop("password_hash")
            self._end_sessions(user_id, session_id)
        texts = {name: storable(value) for name, value in said.items()}
        person.account = replace(person.account, **texts, updated_at=self.state.now())
        return person.account

    def _end_sessions(self, user_id: UUID, session_id: UUID | None) -> None:
        for family in self.state.sessions.values():
            if family.user_id == user_id and family.session.id != session_id:
                ended_at = family.session.revoked_at or self.state.now()
                family.session = replace(family.session, revoked_at=ended_at)

    async def set_role(self, user_id: UUID, role: Role) -> Account | None:
        """Give an account a role."""
        person = self.state.person(user_id)
        if person is None:
            return None
        person.account = replace(person.account, role=role, updated_at=self.state.now())
        return person.account

    async def page(self, after: UUID | None, limit: int) -> list[Account]:
        """Return up to `limit` accounts, the oldest id first."""
        accounts = sorted((person.account for person in self._open()), key=lambda account: account.id)
        return [account for account in accounts if after is None or account.id > after][:limit]

    async def upload_days(self, user_id: UUID, after: date | None, limit: int) -> list[UploadDay]:
        """Return up to `limit` days on which a user announced uploads, the oldest first."""
        mine = sorted(
            (day, counted) for (whose, day), counted in self.state.upload_days.items() if whose == user_id
        )
        days = [UploadDay(day=day, uploads=uploads, size_bytes=size) for day, (uploads, size) in mine]
        return [one for one in days if after is None or one.day > after][:limit]

    async def rewrap(self, limit: int) -> int:  # noqa: ARG002 - the port's
        """Do nothing: no key seals what is not kept."""
        return 0

    def _has(self, email: str, but: UUID | None = None) -> bool:
        return any(person.account.id != but for person in self._with(email))

    def _with(self, email: str) -> Iterator[Person]:
        folded = folded_email(email)
        for person in self._open():
            if person.account.email and folded_email(person.account.email) == folded:
                yield person

    def _open(self) -> list[Person]:
        return [p for user_id, p in self.state.people.items() if user_id not in self.state.closed_at]
