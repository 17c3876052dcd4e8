"""Passwords: argon2id (RFC 9106) by libsodium, in the PHC string format, made and checked beside the loop."""

import asyncio
import re
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from nacl.exceptions import InvalidkeyError
from nacl.pwhash import argon2id
from prometheus_client import Counter

from gateway.config import GatewayConfig
from gateway.problems import unavailable

AT_ONCE: Final = 2
"""Each takes a core and `password_memory_bytes`: more would not be faster."""
WAIT_SECONDS: Final = 5.0
HASHED: Final = Counter("truthtok_api_password_hashes", "Passwords hashed, to keep or to check", ("purpose",))
_COSTS: Final = re.compile(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$.+")
_KIB: Final = 1024
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32

T = TypeVar("T")


class Passwords:
    """Hashes and checks passwords, two at a time; who waits too long is told to come again."""

    def __init__(self, memory_bytes: int, passes: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self._memory_bytes, self._passes, self._wait_seconds = memory_bytes, passes, wait_seconds
        # Threads of their own: a request that was given up leaves its slot, and its thread still works.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return what is kept of a password. Raises ProblemError 503."""

        def made() -> str:
            plain = prepared(password)
            return argon2id.str(plain, opslimit=self._passes, memlimit=self._memory_bytes).decode()

        HASHED.labels("keep").inc()
        return await self._run(made)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether a hash is of this password. Without a hash it takes as long, and is not.

        Raises ProblemError 503.
        """
        against = kept or self._nobodys()
        HASHED.labels("check").inc()
        return await self._run(lambda: _is_of(against, prepared(password))) and kept is not None

    def is_outgrown(self, kept: str) -> bool:
        """Whether a hash was made with less than what is configured now."""
        costs = _COSTS.fullmatch(kept)
        return costs is None or (int(costs[1]) < self._memory_bytes // _KIB or int(costs[2]) < self._passes)

    def _nobodys(self) -> str:
        """Return a hash of today's costs that no password has."""
        salt, digest = (
            b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES)
        )
        return f"$argon2id$v=19$m={self._memory_bytes // _KIB},t={self._passes},p=1${salt}${digest}"

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._slot():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise unavailable("Too many sign in right now. Come again in a moment.", "overloaded") from None
        try:
            yield
        finally:
            self._slots.release()


def passwords_of(config: GatewayConfig) -> Passwords:
    """Return passwords with the configured costs."""
    return Passwords(config.password_memory_bytes, config.password_passes)


def prepared(password: str) -> bytes:
    """Return a password as it is hashed: composed, so that every keyboard writes the same (RFC 8265)."""
    return unicodedata.normalize("NFC", password).encode()


def _is_of(kept: str, plain: bytes) -> bool:
    try:
        return argon2id.verify(kept.encode(), plain)
    except InvalidkeyError:
        return False
