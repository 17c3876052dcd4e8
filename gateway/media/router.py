"""Paths and methods -> handlers. Pure."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from gateway.media.exchange import Reply, Request
from gateway.problems import ProblemError

Handler = Callable[[Request], Awaitable[Reply]]

_PLACE: Final = re.compile(r"\\{(\w+)(\\\*)?\\}")


@dataclass(frozen=True)
class Route:
    """A path with the methods it offers.

    In the pattern `{name}` stands for one segment and a last `{name*}` for all the rest:
    `/media/{video_id}/{name*}`. GET also answers HEAD, and OPTIONS is answered for all.
    """

    pattern: str
    handlers: Mapping[str, Handler]
    headers: Mapping[str, str] = field(default_factory=dict)
    """Go with every answer of this route, errors too."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Go with the answer to OPTIONS."""
    quiet: bool = False
    """Asked so often that a log line each would drown the others."""

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The pattern as a regular expression."""
        places = _PLACE.sub(lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", re.escape(self.pattern))
        return re.compile(places, re.DOTALL)

    @property
    def methods(self) -> tuple[str, ...]:
        """Every method that is answered."""
        implied = ("HEAD",) if "GET" in self.handlers else ()
        return tuple(sorted({*self.handlers, *implied, "OPTIONS"}))

    def handler_of(self, method: str) -> Handler:
        """Return what answers a method. Raises ProblemError."""
        handler = self.handlers.get("GET" if method == "HEAD" and "HEAD" not in self.handlers else method)
        if handler is None:
            offered = ", ".join(self.methods)
            raise ProblemError("method_not_allowed", f"Use one of {offered}.", headers={"Allow": offered})
        return handler


def find_route(routes: Sequence[Route], path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the first route that a decoded path fits, with the values in its places."""
    for route in routes:
        found = route.expression.fullmatch(path)
        if found is not None:
            return route, found.groupdict()
    return None
