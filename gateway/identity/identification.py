"""Who asks: from the headers of a request to a caller, checked against the account as it stands."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from gateway.audit import entry_of, keep, key_target
from gateway.caller import Caller, network_of
from gateway.config import GatewayConfig
from gateway.identity.access_tokens import AccessTokens, access_tokens_of, refused
from gateway.identity.credentials import Shown, find_shown
from gateway.identity.minting import API_KEY, find_hash
from gateway.identity.seldom import Seldom
from gateway.identity.standing import Standings
from gateway.policy import permissions_of
from gateway.ports import utc_now
from storage.asking import SIGN_IN, asking_as
from storage.errors import StorageError
from storage.identity_ports import ApiKeys, Audit, Sessions
from storage.identity_records import Standing

logger = logging.getLogger(__name__)

TOUCH_SECONDS: Final = 60.0
TELL_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """The `Identification` of `gateway/ports.py`, over sessions and keys."""

    tokens: AccessTokens
    sessions: Sessions
    api_keys: ApiKeys
    audit: Audit
    now: Callable[[], datetime] = utc_now
    standings: Standings = field(default_factory=Standings)
    touched: Seldom = field(default_factory=lambda: Seldom(TOUCH_SECONDS))
    told: Seldom = field(default_factory=lambda: Seldom(TELL_SECONDS))

    async def identify(self, headers: Mapping[str, str], stranger: Caller, request_id: str = "") -> Caller:
        """Return who asks. Raises ProblemError 401, or 400 for two different credentials."""
        shown = find_shown(headers)
        if shown is None:
            return stranger
        standing = await (self._of_token(shown) if shown.kind == "token" else self._of_key(shown))
        caller = replace(
            stranger,
            user_id=standing.user_id,
            role=standing.role,
            permissions=permissions_of(standing.role, standing.scopes),
            session_id=standing.session_id,
            key_id=standing.key_id,
        )
        if caller.key_id is not None:
            await self._note_use(caller, caller.key_id, request_id)
        return caller

    def forget(self, user_id: UUID) -> None:
        """Look anew at what this user's sessions and keys give."""
        self.standings.forget(user_id)

    async def _of_token(self, shown: Shown) -> Standing:
        claims = self.tokens.read(shown.text, self.now())

        async def look_up() -> Standing | None:
            with asking_as(SIGN_IN):
                return await self.sessions.find_standing(claims.sid, self.now())

        standing = await self.standings.find(claims.sid, look_up)
        if standing is None or standing.user_id != claims.sub:
            raise refused("This sign-in is over: sign in again.")
        return standing

    async def _of_key(self, shown: Shown) -> Standing:
        secret_hash = find_hash(shown.text, API_KEY)
        if secret_hash is None:
            raise refused("This is no API key of ours.")

        async def look_up() -> Standing | None:
            with asking_as(SIGN_IN):
                return await self.api_keys.find_standing(secret_hash)

        standing = await self.standings.find(secret_hash, look_up)
        if standing is None:
            raise refused("There is no such API key, or it was revoked.")
        return standing

    async def _note_use(self, caller: Caller, key_id: UUID, request_id: str) -> None:
        """Keep that a key was used, when that is not known already."""
        with asking_as(caller.asking):
            if self.touched.is_time(key_id):
                try:
                    await self.api_keys.touch(key_id, self.now())
                except StorageError as error:  # when it was used last is not worth a request
                    logger.warning("the use of a key was not kept: %s", error)
            if self.told.is_time((key_id, network_of(caller.address))):
                entry = entry_of("key.used", caller, self.now(), request_id, target=key_target(key_id))
                await keep(self.audit, entry)


def identification_of(
    config: GatewayConfig,
    sessions: Sessions,
    api_keys: ApiKeys,
    audit: Audit,
    *,
    now: Callable[[], datetime] = utc_now,
    clock: Callable[[], float] = time.monotonic,
) -> Identifier:
    """Return the identification of one process. `clock` in seconds, for what is remembered."""
    return Identifier(
        tokens=access_tokens_of(config),
        sessions=sessions,
        api_keys=api_keys,
        audit=audit,
        now=now,
        standings=Standings(clock=clock),
        touched=Seldom(TOUCH_SECONDS, clock=clock),
        told=Seldom(TELL_SECONDS, clock=clock),
    )
