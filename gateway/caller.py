"""Who asks, and from where. `gateway/identity/` finds it out; everything else only reads it."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from gateway.policy import Permission
from storage.asking import ANYBODY, Asking, AskingRole
from storage.identity_records import NOBODY_ID, Role

_NEAR: Final = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    )
)
"""Loopback and private networks (RFC 1918, RFC 4193); Python's own `is_private` holds more than these."""
_FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")
_IPV6_PREFIX: Final = 64
"""One household or server has so much of IPv6 to itself (RFC 6177)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody, or nobody known: then the id is NOBODY_ID and there is no role."""

    user_id: UUID = NOBODY_ID
    role: Role | None = None
    permissions: frozenset[Permission] = frozenset()
    address: str = ""
    """The client's own, which a trusted proxy may have passed on."""
    is_near: bool = False
    """Whether the request came straight from this machine or a private network; never so behind a proxy."""
    session_id: UUID | None = None
    key_id: UUID | None = None

    @property
    def is_known(self) -> bool:
        """Whether the request named an account."""
        return self.role is not None

    @property
    def viewer_id(self) -> UUID:
        """Whose private videos may be seen."""
        return self.user_id if self.may("videos.view_own") else NOBODY_ID

    @property
    def holder(self) -> str:
        """Whose limits the request counts against: all keys of an account share what is its own."""
        return f"user:{self.user_id}" if self.is_known else f"address:{network_of(self.address)}"

    @property
    def asking(self) -> Asking:
        """On whose behalf the database is asked: a key has the powers of its role only with their scopes."""
        return Asking(user_id=self.user_id, role=self._asking_role) if self.role is not None else ANYBODY

    @property
    def _asking_role(self) -> AskingRole:
        moderates, audits = self.may("videos.view_any"), self.may("audit.read")
        if self.may("roles.assign") or (moderates and audits):
            return "admin"
        if moderates:
            return "moderator"
        return "auditor" if audits else "creator"

    def may(self, permission: Permission) -> bool:
        """Whether the policy allows it."""
        return permission in self.permissions


def stranger_of(headers: Mapping[str, str], peer: str, *, behind_proxy: bool) -> Caller:
    """Return what is known of whoever sent a request before it is looked at whom it names."""
    return Caller(
        address=address_of(headers, peer, behind_proxy=behind_proxy),
        is_near=is_near(headers, peer, behind_proxy=behind_proxy),
    )


def address_of(headers: Mapping[str, str], peer: str, *, behind_proxy: bool) -> str:
    """Return the client's address: the last one in X-Forwarded-For when a trusted proxy put it there.

    Only the last: what stands before it the client may have written itself.
    """
    if not behind_proxy:
        return peer
    said = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return said if _find_address(said) is not None else peer


def is_near(headers: Mapping[str, str], peer: str, *, behind_proxy: bool) -> bool:
    """Whether a request comes straight from this machine or a private network.

    One that a proxy passed on comes from anywhere, whatever the address of the proxy. Behind a trusted one
    that is every request: the server loses a header that is not UTF-8, and then it looks as if none was sent.
    """
    return not behind_proxy and _is_near(peer) and not any(name in headers for name in _FORWARDED)


@lru_cache(1024)
def _is_near(peer: str) -> bool:
    address = _find_address(peer)
    return address is not None and any(address in network for network in _NEAR)


@lru_cache(4096)
def network_of(address: str) -> str:
    """Return what one party may be assumed to hold: an IPv4 address, or the /64 around an IPv6 one."""
    found = _find_address(address)
    if found is None or found.version == 4:  # noqa: PLR2004 - IPv4
        return str(found or address[:64])
    return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))


def _find_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
