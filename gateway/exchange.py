"""A request and its response, as plain values: the API's core knows no web framework."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asks, as it came over the wire."""

    method: str
    path: str
    """Percent-encoded, without the query."""
    query: tuple[tuple[str, str], ...] = ()
    """Names and values as they came, percent-encoded."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name; repeated ones joined with a comma."""
    body: bytes | str = b""
    """A transport that decoded UTF-8 already need not encode it again."""
    peer: str = ""
    """The address the connection comes from, without a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is answered: a body, or a stream of parts that the transport sends as they come.

    A response to HEAD carries the body of the GET: the transport says its length and leaves it out.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None
