"""The keys of an embedded stack: made once, kept in the data directory for its owner only."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nkeys

from deploy.embedded.private_files import write_private

SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keyring:
    """The key that signs URLs (hex) and the nkey seed of each NATS user."""

    signing_key: str = field(repr=False)
    seeds: dict[str, str] = field(repr=False)

    def public_keys(self) -> dict[str, str]:
        """Return the public nkey of each user."""
        return {name: nkeys.from_seed(seed.encode()).public_key.decode() for name, seed in self.seeds.items()}


def remembered_keyring(data_dir: Path, users: Sequence[str]) -> Keyring:
    """Return the keys of a data directory, making those that are missing."""
    file = data_dir / "keys.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    seeds = {name: known.get("seeds", {}).get(name) or new_seed() for name in users}
    keyring = Keyring(known.get("signing_key") or secrets.token_hex(32), seeds)
    write_private(file, json.dumps({"signing_key": keyring.signing_key, "seeds": keyring.seeds}))
    return keyring


def new_seed() -> str:
    """Return the seed of a new NATS user key."""
    seed: bytes = nkeys.encode_seed(secrets.token_bytes(SEED_BYTES), nkeys.PREFIX_BYTE_USER)
    return seed.decode()
