"""Who asks. The one seam through which identity will come; until then everybody is the local account."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from storage.records import LOCAL_USER_ID

_NEAR: Final = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    )
)
"""Loopback and private networks (RFC 1918, RFC 4193); Python's own `is_private` holds more than these."""
_FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Caller:
    """An account and what it may do."""

    user_id: UUID
    is_admin: bool = False


def determine_caller(headers: Mapping[str, str], peer: str) -> Caller:
    """Return who asks: the local account, an administrator when the request comes from next door.

    A request that a proxy passed on comes from anywhere, whatever the address of the proxy.
    """
    forwarded = any(name in headers for name in _FORWARDED)
    return Caller(LOCAL_USER_ID, is_admin=is_near(peer) and not forwarded)


@lru_cache(1024)
def is_near(peer: str) -> bool:
    """Whether an address is of this machine or of a private network."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in _NEAR)
