"""`truthtok users` and `truthtok keys`, as processes, on a real database."""

import os
import pty
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from gateway.identity.passwords import Passwords
from storage.postgres.account_seals import AccountSeals
from storage.postgres.accounts import PostgresAccounts
from storage.postgres.audit import PostgresAudit
from storage.postgres.pool import open_database
from storage.sealing import Vault

ROOT = Path(__file__).parents[3]
PASSWORD = "correct horse bättery"  # noqa: S105 - of nobody
CREATE = ("users", "create", "--role", "admin", "--email", "boss@example.org")
CHEAP = {"TRUTHTOK_PASSWORD_MEMORY_BYTES": str(8 * 1024**2), "TRUTHTOK_PASSWORD_PASSES": "1"}


@pytest.fixture
def house(database_url: str) -> dict[str, str]:
    """The environment of an operator."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "TRUTHTOK_MASTER_KEYS": secrets.token_hex(32),
        **CHEAP,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "deploy.cli", *arguments]


def truthtok(
    house: dict[str, str], *arguments: str, said: bytes = PASSWORD.encode() + b"\n"
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*arguments), cwd=ROOT, env=house, input=said, capture_output=True, timeout=60, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a command that failed."""
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    assert PASSWORD not in done.stderr
    return done.stderr.removeprefix("truthtok: ").rstrip()


def vault_of(house: dict[str, str]) -> Vault:
    return Vault(tuple(bytes.fromhex(one) for one in house["TRUTHTOK_MASTER_KEYS"].split(",")))


async def test_the_first_administrator_is_made_listed_and_written_down(house: dict[str, str]) -> None:
    made = truthtok(house, *CREATE, "--name", "The Boss")
    assert made.returncode == 0, made.stderr
    assert PASSWORD not in made.stdout + made.stderr
    user_id, role = made.stdout.split()
    listed = truthtok(house, "users", "list").stdout
    assert f"{user_id}  admin" in listed
    assert "boss@example.org  The Boss" in listed
    async with open_database(house["DATABASE_URL"]) as database:
        found = await PostgresAccounts(database, AccountSeals(vault_of(house))).find_credentials(
            "BOSS@example.org"
        )
        trail = await PostgresAudit(database).page(actor_id=None, target=None, before=None, limit=10)
    assert found is not None
    assert (str(found.account.id), found.account.role) == (user_id, role)
    assert await Passwords(8 * 1024**2, 1).matches(PASSWORD, found.password_hash)
    [entry] = trail
    assert (entry.action, entry.target, entry.actor_id) == ("account.registered", f"user:{user_id}", None)
    assert entry.details == {"by": "command line", "role": "admin"}


def test_an_email_that_is_taken_is_refused(house: dict[str, str]) -> None:
    assert truthtok(house, *CREATE).returncode == 0
    again = truthtok(house, *CREATE[:-1], "BOSS@example.org")
    assert refusal(again) == "another account has this e-mail: see `truthtok users list`"


@pytest.mark.parametrize(
    ("given", "said", "why"),
    [
        (("--email", "nobody"), b"long enough\n", "email: must be an e-mail address"),
        (("--email", ""), b"long enough\n", "email: must be an e-mail address"),
        (("--email", b"\xff@x.org"), b"long enough\n", "e-mail and name must be UTF-8"),
        (("--name", " "), b"long enough\n", "name: must have 1 to 200 characters"),
        (("--name", "n" * 201), b"long enough\n", "name: must have 1 to 200 characters"),
        (("--role", "god"), b"long enough\n", "there is no role 'god': choose from viewer, creator, mod"),
        ((), b"short\n", "password: Expected `str` of length >= 8"),
        ((), b"x" * 257 + b"\n", "password: Expected `str` of length <= 256"),
        ((), b"\xff\xfe long enough\n", "the password on stdin is not UTF-8"),
        ((), b"", "give the password on stdin"),
        ((), b"\nlong enough\n", "give the password on stdin"),
    ],
)
def test_what_the_api_would_refuse_is_refused_in_one_line(
    given: tuple[str, ...], said: bytes, why: str, house: dict[str, str]
) -> None:
    assert refusal(truthtok(house, *CREATE, *given, said=said)).startswith(why)
    assert "boss" not in truthtok(house, "users", "list").stdout


@pytest.mark.parametrize("missing", ["--email", "--role"])
def test_whom_to_make_has_to_be_said(missing: str, house: dict[str, str]) -> None:
    at = CREATE.index(missing)
    done = truthtok(house, *CREATE[:at], *CREATE[at + 2 :])
    assert refusal(done) == "give --email and --role, and the password on stdin"


@pytest.mark.parametrize("arguments", [("users", "list"), CREATE, ("keys", "rewrap")])
def test_without_a_database_or_a_stack_there_is_nobody_to_ask(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = truthtok({**os.environ}, *arguments, "--data", str(tmp_path))
    assert refusal(done).startswith("set DATABASE_URL and TRUTHTOK_MASTER_KEYS, or run `truthtok up` first")


@pytest.fixture
async def confined_url(database_url: str) -> AsyncIterator[str]:
    """The same database as a process sees it that serves clients."""
    name = f"test_{secrets.token_hex(8)}"
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"create role {name} login password 'x' in role truthtok_gateway")
    parts = urlsplit(database_url)
    try:
        yield parts._replace(netloc=f"{name}:x@{parts.netloc.rpartition('@')[2]}").geturl()
    finally:
        await connection.execute(f"drop role {name}")
        await connection.close()


@pytest.mark.parametrize("arguments", [("users", "list"), CREATE, ("keys", "rewrap")])
def test_who_is_held_to_row_level_security_is_told_so_instead_of_nothing(
    arguments: tuple[str, ...], house: dict[str, str], confined_url: str
) -> None:
    done = truthtok({**house, "DATABASE_URL": confined_url}, *arguments)
    assert refusal(done).endswith("connect as whoever runs `truthtok migrate`")


def test_a_name_cannot_act_on_the_terminal_of_who_lists_it(house: dict[str, str]) -> None:
    assert truthtok(house, *CREATE, "--name", "a\x1b[2Jb").returncode == 0
    listed = truthtok(house, "users", "list").stdout
    assert "a\N{REPLACEMENT CHARACTER}[2Jb" in listed
    assert "\x1b" not in listed


def test_a_terminal_is_asked_twice_and_shows_no_password(house: dict[str, str]) -> None:
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        command(*CREATE),
        cwd=ROOT,
        env=house,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        for prompt in (b"password: ", b"once more: "):
            heard = b""
            while not heard.endswith(prompt):
                heard += process.stderr.read(1)
            os.write(keyboard, PASSWORD.encode() + b"\n")
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert UUID(out.decode().split()[0])
    os.close(terminal)
    os.set_blocking(keyboard, False)
    assert b"horse" not in shown_on(keyboard)
    os.close(keyboard)


def shown_on(keyboard: int) -> bytes:
    """What a terminal has shown."""
    try:
        return os.read(keyboard, 65536)
    except OSError:  # nothing, and nobody is there any more
        return b""


def test_new_keys_are_lines_of_an_environment() -> None:
    lines = truthtok({**os.environ}, "keys", "new").stdout.splitlines()
    names = ["TRUTHTOK_SIGNING_KEY", "TRUTHTOK_MASTER_KEYS", "TRUTHTOK_TOKEN_KEYS"]
    assert [line.partition("=")[0] for line in lines] == names
    assert {len(bytes.fromhex(line.partition("=")[2])) for line in lines} == {32}
    assert lines != truthtok({**os.environ}, "keys", "new").stdout.splitlines()


def test_accounts_are_brought_under_a_new_master_key_and_the_old_one_can_go(house: dict[str, str]) -> None:
    for number in range(3):
        assert truthtok(house, *CREATE[:-1], f"user{number}@example.org").returncode == 0
    old, new = house["TRUTHTOK_MASTER_KEYS"], secrets.token_hex(32)
    both, only_new = ({**house, "TRUTHTOK_MASTER_KEYS": keys} for keys in (f"{new},{old}", new))
    assert refusal(truthtok(only_new, "users", "list")).startswith("wrapped by a key that is not among")
    first, second = (truthtok(both, "keys", "rewrap").stdout.splitlines() for _ in range(2))
    assert first[0] == "3 accounts brought under the newest master key"
    assert second[0] == "nothing is left to bring over"
    assert "with encrypted media keep them as long as it" in first[1]
    assert "user2@example.org" in truthtok(only_new, "users", "list").stdout
    assert refusal(truthtok(only_new, *CREATE[:-1], "USER0@example.org")).startswith("another account")


def test_the_keys_of_the_environment_do_not_rotate_in_a_file(house: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    done = truthtok(house, "keys", "rotate", "--data", str(tmp_path))
    assert refusal(done).startswith("TRUTHTOK_MASTER_KEYS of this environment go before the keys of")
