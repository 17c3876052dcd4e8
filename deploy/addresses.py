"""Whether the URL of a setting can be one at all, before a driver stumbles over it in words of its own."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

WEB: Final = ("http", "https")
SCHEMES: Final[Mapping[str, Sequence[str]]] = {
    "database_url": ("postgresql", "postgres"),
    "redis_url": ("redis", "rediss", "unix"),
    "nats_url": ("nats", "tls", "ws", "wss"),
    "s3_endpoint": WEB,
    "api_url": WEB,
    "media_url": WEB,
}
"""The schemes of each setting that is a URL, by its field."""

_PORTS: Final = range(1, 65536)


def find_trouble(field: str, text: str) -> str:
    """Return what is wrong with the value of a URL setting; an empty text means nothing.

    Never quotes the value: it may hold a password.
    """
    urls = text.split(",") if field == "nats_url" else [text]
    return next(filter(None, (_trouble(one.strip(), SCHEMES[field]) for one in urls)), "")


def is_seed(text: str) -> bool:
    """Whether a text is the seed of an nkey."""
    import nkeys  # noqa: PLC0415 - loads a library for cryptography, and most processes have no seed

    try:
        nkeys.from_seed(text.encode())
    except (nkeys.NkeysError, ValueError):  # binascii's errors are ValueErrors
        return False
    return True


def _trouble(url: str, schemes: Sequence[str]) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not close
        return "is not a URL"
    if parts.scheme not in schemes:
        return f"must start with {' or '.join(f'{one}://' for one in schemes)}"
    if parts.scheme == "unix":
        return "" if parts.path else "names no socket"
    # libpq's form for several hosts or a socket: postgresql://a:5432,b:5432/name, postgresql:///name?host=/run
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if not all(hosts):
        return "" if "host" in parse_qs(parts.query) else "names no host"
    return next(filter(None, map(_host_trouble, hosts)), "")


def _host_trouble(host: str) -> str:
    name, _, port = host.rpartition("]")[2].partition(":") if "]" in host else host.partition(":")
    if not name and "]" not in host:
        return "names no host"
    if port and not (port.isascii() and port.isdecimal() and int(port) in _PORTS):
        return "has a port that is none"
    return ""


def near(host: str) -> str:
    """Return where a server bound to `host` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def at(host: str, port: int) -> str:
    """Return the URL under which a server bound to `host` is reached from this machine."""
    name = near(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
