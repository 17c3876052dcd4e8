"""`truthtok users` and `truthtok keys rewrap`: what an operator does to accounts, past the API.

That is how the first administrator comes to be. Runs as whoever migrates, whom row-level security lets pass.
"""

import getpass
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from deploy.found_stack import find_stack
from deploy.settings import Settings, SettingsError
from deploy.stack_errors import StackError
from gateway.audit import entry_of, keep, user_target
from gateway.caller import Caller
from gateway.identity.account_fields import checked_email, checked_name, checked_password
from gateway.identity.passwords import Passwords
from gateway.problems import ProblemError, problem_of
from gateway.routes.auth import Registration
from storage.identity_records import ROLES, NewAccount, Role
from storage.postgres.account_seals import AccountSeals
from storage.postgres.accounts import PostgresAccounts
from storage.postgres.audit import PostgresAudit
from storage.postgres.confinement import find_freedom
from storage.postgres.pool import open_database
from subjects.ids import new_id

BATCH: Final = 100
FORMER_KEYS: Final = (
    "keep the former keys for two days, for answers that repeat; with encrypted media keep them as long as it"
)
AS_OWNER: Final = "connect as whoever runs `truthtok migrate`"


@dataclass(frozen=True, slots=True)
class People:
    """Accounts and the audit trail."""

    accounts: PostgresAccounts
    audit: PostgresAudit


@asynccontextmanager
async def open_people(settings: Settings, data_dir: Path) -> AsyncIterator[People]:
    """Open the accounts of DATABASE_URL, or else of the stack that runs on `data_dir`.

    Raises SettingsError when there is neither, or the server does not let us, and StorageError.
    """
    settings = with_database(settings, data_dir)
    settings.need("database_url")
    vault = settings.vault()
    try:
        if await find_freedom(settings.database_url) is None:
            raise SettingsError(f"DATABASE_URL: its user sees no account but its own: {AS_OWNER}")
        async with open_database(settings.database_url, application_name="truthtok users") as database:
            yield People(PostgresAccounts(database, AccountSeals(vault)), PostgresAudit(database))
    except asyncpg.UndefinedTableError as error:
        raise SettingsError(f"DATABASE_URL: {error}: run `truthtok migrate`") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise SettingsError(f"DATABASE_URL: {error}: {AS_OWNER}") from error
    except (asyncpg.PostgresError, ValueError) as error:  # no such user or database, an option that is none
        raise SettingsError(f"DATABASE_URL: {error}") from error


def with_database(settings: Settings, data_dir: Path) -> Settings:
    """Return the settings with database and master keys: their own, or those of a stack that runs here."""
    if settings.database_url:
        return settings
    stack = find_stack(data_dir)
    if stack is None:
        raise SettingsError(
            "set DATABASE_URL and TRUTHTOK_MASTER_KEYS, or run `truthtok up` first: "
            f"no stack runs on {data_dir}"
        )
    return msgspec.structs.replace(
        settings,
        database_url=stack.database_url,
        master_keys=settings.master_keys or str(stack.keys.get("master_keys", "")),
    )


async def create_user(email: str, role: str, name: str | None, settings: Settings, data_dir: Path) -> int:
    """Make an account with the password on stdin and print its id.

    Checks what the API checks. Raises StackError for what it refuses, and for an e-mail that is taken.
    """
    wanted_role = checked_role(role)
    said = checked(email, read_password(), name or email.partition("@")[0])
    async with open_people(settings, data_dir) as people:
        passwords, now = (
            Passwords(settings.password_memory_bytes, settings.password_passes),
            datetime.now(UTC),
        )
        account = NewAccount(
            id=new_id(now),
            email=said.email,
            name=checked_name(said.name),
            password_hash=await passwords.hash(said.password),
            role=wanted_role,
            created_at=now,
        )
        if not await people.accounts.create(account):
            raise StackError("another account has this e-mail: see `truthtok users list`")
        told = entry_of(
            "account.registered",
            Caller(),
            now,
            "",
            target=user_target(account.id),
            role=wanted_role,
            by="command line",
        )
        await keep(people.audit, told)
    print(f"{account.id} {wanted_role}")
    return 0


def checked_role(text: str) -> Role:
    """Return a role. Raises StackError."""
    for role in ROLES:
        if role == text:
            return role
    raise StackError(f"there is no role {text!r}: choose from {', '.join(ROLES)}")


def checked(email: str, password: str, name: str) -> Registration:
    """Return what the API would take of somebody who registers. Raises StackError that names the field."""
    try:
        f"{email}{name}".encode()
        said = msgspec.convert({"email": email, "password": password, "name": name}, Registration)
        checked_email(said.email)
        checked_name(said.name)
        checked_password(said.password)
    except UnicodeEncodeError as error:  # bytes of the command line that are no text
        raise StackError("e-mail and name must be UTF-8") from error
    except (msgspec.ValidationError, ProblemError) as error:
        [found] = problem_of(error).errors
        raise StackError(f"{found.pointer.removeprefix('/')}: {found.detail}") from error
    return said


async def list_users(settings: Settings, data_dir: Path) -> int:
    """Print a line for every account, the oldest first."""
    async with open_people(settings, data_dir) as people:
        after = None
        while page := await people.accounts.page(after, BATCH):
            for one in page:
                shown = f"{one.id}  {one.role:<9}  {one.created_at:%Y-%m-%d}  {one.email}  {one.name}"
                print(printable(shown).rstrip())
            after = page[-1].id
    return 0


def printable(text: str) -> str:
    """Return a text without what a terminal would act on: anybody may have written it."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


async def rewrap(settings: Settings, data_dir: Path) -> int:
    """Bring every account under the newest master key and say how many that were."""
    moved = 0
    async with open_people(settings, data_dir) as people:
        while batch := await people.accounts.rewrap(BATCH):
            moved += batch
    print(
        f"{moved} accounts brought under the newest master key" if moved else "nothing is left to bring over"
    )
    print(FORMER_KEYS)
    return 0


def read_password() -> str:
    """Return the password: twice without echo from a terminal, else the first line of stdin.

    Raises StackError when there is none, when it is no text, and when the two differ.
    """
    if sys.stdin.isatty():
        password = getpass.getpass("password: ")
        if getpass.getpass("once more: ") != password:
            raise StackError("the two passwords differ")
        return password
    try:
        password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise StackError("the password on stdin is not UTF-8") from error
    if not password:
        raise StackError("give the password on stdin, as its first line")
    return password
