"""Who asks. The one seam through which identity will come; until then everybody is the local account."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from storage.records import LOCAL_USER_ID

_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")


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


def is_near(peer: str) -> bool:
    """Whether an address is of this machine or of a private network."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_private) and not mapped.is_unspecified
