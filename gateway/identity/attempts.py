"""How often somebody may try an account's password: counted before it is checked, given back when it fits.

    await spend(house, call, account)  ->  the password fits  ->  await succeed(house, call, account)

Ten failures from one network end the attempts from there alone: whoever knows no more of somebody than an
e-mail does not lock them out from everywhere. What comes from all networks together is bounded, too, at ten
times as many.

Right ones are bounded as well: whoever knows a password could keep everybody else from signing in by doing
nothing else. By account only once it fits: a stranger takes nothing from the owner's.
"""

import hmac
from typing import Final

from gateway.caller import network_of
from gateway.config import GatewayConfig
from gateway.limits.buckets import BucketName
from gateway.ports import Surroundings
from gateway.route import Call
from storage.sealing import folded_email

_LABEL: Final = b"truthtok sign-in 1\x00"


def account_of(config: GatewayConfig, email: str) -> str:
    """Return whose attempts are counted, without telling anybody's e-mail."""
    text = _LABEL + folded_email(email).encode()
    return f"account:{hmac.new(config.signing_key, text, 'sha256').hexdigest()[:32]}"


async def spend(house: Surroundings, call: Call, account: str) -> None:
    """Count an attempt. Raises ProblemError 429."""
    await house.ports.limits.spend("password", f"address:{network_of(call.caller.address)}")
    for bucket, holder in _buckets(call, account):
        await house.ports.limits.spend(bucket, holder)


async def succeed(house: Surroundings, call: Call, account: str) -> None:
    """Count an attempt no longer as a failure, but as one more that was right. Raises ProblemError 429."""
    for bucket, holder in _buckets(call, account):
        await house.ports.limits.refund(bucket, holder)
    await house.ports.limits.spend("password", account)


def _buckets(call: Call, account: str) -> tuple[tuple[BucketName, str], ...]:
    """Return what is spent, in order: who is refused for their own network takes nothing from the others."""
    pair = f"{account}@{network_of(call.caller.address)}"
    return ("sign_in_pair", pair), ("sign_in_account", account)
