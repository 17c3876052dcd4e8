"""The keys of an embedded stack: made once, kept in the data directory for its owner only.

Whoever has the file can read what the stack seals; without it nobody can. So it is never begun anew: what an
older version left out is added, and what another version put there stays.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import nkeys

from deploy.data_dir import locked
from deploy.embedded.private_files import write_private
from deploy.key_lists import joined_keys, written_keys
from deploy.stack_errors import DataDirUnusableError
from gateway.identity.minting import API_KEY, mint

KEYS_FILE: Final = "keys.json"
KEY_LISTS: Final = ("signing_key", "master_keys", "token_keys")
"""What rotates: the names of these in the file are those of the settings."""
SEED_BYTES: Final = 32
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys as the settings write them: hex digits, separated by commas, the newest first."""

    signing_key: str = field(repr=False)
    master_keys: str = field(repr=False)
    token_keys: str = field(repr=False)
    local_api_key: str = field(repr=False)
    """With which the operator's own account uploads."""
    seeds: dict[str, str] = field(repr=False)
    """The nkey seed of each NATS user."""

    def public_keys(self) -> dict[str, str]:
        """Return the public nkey of each user."""
        return {name: nkeys.from_seed(seed.encode()).public_key.decode() for name, seed in self.seeds.items()}


def remembered_keyring(data_dir: Path, users: Sequence[str]) -> Keyring:
    """Return the keys of a data directory, making those that are missing. Raises DataDirUnusableError."""
    known = read_keys(data_dir)
    made = {name: known.get(name) or new_key() for name in KEY_LISTS}
    made["local_api_key"] = known.get("local_api_key") or mint(API_KEY).secret
    seeds = {**known.get("seeds", {})}
    seeds |= {name: seeds.get(name) or new_seed() for name in users}
    _keep(data_dir, known, {**known, **made, "seeds": seeds})
    return Keyring(**made, seeds={name: seeds[name] for name in users})


def rotate_keys(data_dir: Path) -> None:
    """Put a new key in front of each list and keep the others behind it.

    Raises DataDirBusyError while a stack runs there: its processes would not know what the next commands
    seal. Raises DataDirUnusableError when no stack ever did.
    """
    if not (data_dir / KEYS_FILE).exists():
        raise DataDirUnusableError(f"{data_dir} has no keys yet: `truthtok up` makes them")
    with locked(data_dir):
        known = read_keys(data_dir)
        rotated = {name: joined_keys((new_key(), *written_keys(known.get(name, "")))) for name in KEY_LISTS}
        _keep(data_dir, known, {**known, **rotated})


def read_keys(data_dir: Path) -> dict[str, Any]:
    """Return what the file holds; nothing without one. Raises DataDirUnusableError for a broken one."""
    file = data_dir / KEYS_FILE
    try:
        known = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unusable(file) from error
    if not isinstance(known, dict):
        raise _unusable(file)
    return known


def _unusable(file: Path) -> DataDirUnusableError:
    return DataDirUnusableError(
        f"{file} cannot be read: restore it from a copy, since without it nothing sealed opens again"
    )


def _keep(data_dir: Path, known: dict[str, Any], keys: dict[str, Any]) -> None:
    file = data_dir / KEYS_FILE
    if keys != known:
        write_private(file, json.dumps(keys))
    elif file.stat().st_mode & 0o777 != _OWNER_ONLY:
        file.chmod(_OWNER_ONLY)


def new_key() -> str:
    """Return a new key of 32 random bytes, in hex digits."""
    return secrets.token_hex(32)


def new_seed() -> str:
    """Return the seed of a new NATS user key."""
    seed: bytes = nkeys.encode_seed(secrets.token_bytes(SEED_BYTES), nkeys.PREFIX_BYTE_USER)
    return seed.decode()
