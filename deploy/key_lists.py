"""Keys as settings write them: hex digits, several separated by commas, the newest first."""

from collections.abc import Iterable
from typing import Final

_DIFFERENT_BYTES: Final = 16


def parse_keys(text: str, *, bytes_min: int, bytes_max: int | None = None) -> tuple[bytes, ...]:
    """Return the keys of a list, at least one. Raises ValueError that says what is wrong, without quoting."""
    try:
        keys = tuple(bytes.fromhex(one) for one in written_keys(text))
    except ValueError as error:
        raise ValueError("must be hex digits, several keys separated by commas") from error
    if not keys or any(len(key) < bytes_min for key in keys):
        raise ValueError(f"must have at least {2 * bytes_min} hex digits in each key")
    if bytes_max is not None and any(len(key) > bytes_max for key in keys):
        raise ValueError(f"must have {2 * bytes_max} hex digits in each key, and commas between them")
    if len(set(keys)) != len(keys):
        raise ValueError("names a key twice: each belongs there once, the newest first")
    return keys


def written_keys(text: str) -> tuple[str, ...]:
    """Return the keys of a list as they are written there."""
    return tuple(one.strip() for one in text.split(",") if one.strip())


def joined_keys(keys: Iterable[str]) -> str:
    """Return a list of keys, each once, in this order."""
    return ",".join(dict.fromkeys(keys))


def is_guessable(key: bytes) -> bool:
    """Whether a key was hardly drawn by chance: it repeats a few bytes.

    Of 32 random bytes 30 differ on average; fewer than 16 that differ come less than once in 10^16 keys.
    """
    return len(set(key)) < _DIFFERENT_BYTES
