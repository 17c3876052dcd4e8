"""A registration that is repeated with its idempotency key finds the account that the first try made.

No answer is kept for it: that would give tokens to whoever repeats it, also after the password was changed
or the account closed. The key decides the account's id instead, so a repetition makes nothing new, and it
signs in as any sign-in does: by the password as it is now, counted among the attempts, while the account is
open.
"""

import hmac
from typing import Final
from uuid import UUID

from gateway.config import GatewayConfig
from gateway.idempotent import HEADER, key_of
from gateway.route import Call
from gateway.signing import keys_of
from storage.sealing import folded_email
from subjects.ids import uuid8

_LABEL: Final = b"truthtok registration 1"


def account_id(config: GatewayConfig, call: Call, email: str, name: str) -> UUID:
    """Return the id of a new account: with a key the one id for that key, e-mail and name.

    Who else uses the same key means another account. After a rotation of the signing key a repetition means
    another one, too, and is told that the e-mail is taken. Raises ProblemError 400 for what is no key.
    """
    given = call.headers.get(HEADER.lower())
    if given is None:
        return call.resource_id
    text = b"\x00".join([_LABEL, key_of(given).encode(), folded_email(email).encode(), name.encode()])
    return uuid8(hmac.digest(keys_of(config)[0], text, "sha256"))
