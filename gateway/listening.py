"""Before and after an address is listened on: may it be used, does it answer, stop taking connections."""

import asyncio
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 0.02
_KNOCK: Final = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
WHY_LOOPBACK: Final = (
    "a malformed chunk size aborts the whole API process, and nothing limits bodies or slow headers, so it "
    "listens on the loopback only. Put a strict proxy in front (the shipped nginx configuration) and say so "
    "with TRUTHTOK_BEHIND_PROXY=1"
)


def check_address(host: str, port: int, *, behind_proxy: bool) -> None:
    """Exit with 1 and one line when an address is not safe or not free.

    Robyn itself would share a busy port with another Robyn in silence (SO_REUSEPORT).
    """
    if not behind_proxy and not is_loopback(host):
        sys.exit(f"will not listen on {host}: {WHY_LOOPBACK}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(f"cannot listen on {host}:{port}: {error.strerror}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def until_answering(host: str, port: int) -> None:
    """Return once a server answers at an address."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while True:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                if await _knock(near, port):
                    return
        await asyncio.sleep(POLL_SECONDS)


async def _knock(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_KNOCK)
        return await reader.read(16)
    finally:
        writer.close()


def end_listening(port: int) -> None:
    """Close this process's listening sockets on a port; open connections stay."""
    for listener in list(_listeners(port)):
        with listener, suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _listeners(port: int) -> Iterator[socket.socket]:
    for descriptor in _descriptors():
        try:
            one = socket.socket(fileno=os.dup(descriptor))
        except OSError:  # not a socket, or closed meanwhile
            continue
        if _listens(one, port):
            yield one
        else:
            one.close()


def _descriptors() -> list[int]:
    listing = Path("/proc/self/fd")
    return [int(one.name) for one in (listing if listing.is_dir() else Path("/dev/fd")).iterdir()]


def _listens(one: socket.socket, port: int) -> bool:
    try:
        accepts = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return bool(accepts) and one.getsockname()[1] == port
    except OSError:
        return False
