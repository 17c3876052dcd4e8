"""Finds the route of a request. Pure; segments of a path are compared after percent-decoding."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

from gateway.problems import ProblemError
from gateway.route import Route

_SEQUENCE_DIGITS_MAX: Final = 19


@dataclass(frozen=True, slots=True)
class Found:
    """The routes of a path by method, and the values of its parameters."""

    template: str
    by_method: dict[str, Route]
    values: dict[str, Any]

    @property
    def allow(self) -> str:
        """The methods this path offers, as the Allow header says them (RFC 9110, section 10.2.1)."""
        offered = {*self.by_method, "OPTIONS"} | ({"HEAD"} if "GET" in self.by_method else set())
        return ", ".join(sorted(offered))

    def route(self, method: str) -> Route:
        """Return the route of a method; HEAD is answered by GET's. Raises ProblemError 405."""
        route = self.by_method.get("GET" if method == "HEAD" else method)
        if route is None:
            raise ProblemError(
                "method_not_allowed", f"Use one of {self.allow}.", headers={"Allow": self.allow}
            )
        return route


class Router:
    """All routes by their path. Two routes with the same method and path are a ValueError."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_template: dict[tuple[str, ...], tuple[str, dict[str, Route]]] = {}
        for route in routes:
            _, methods = self._by_template.setdefault(_segments(route.path), (route.path, {}))
            if route.method in methods:
                raise ValueError(f"{route.method} {route.path} is declared twice")
            methods[route.method] = route

    def find(self, path: str) -> Found:
        """Return what lies at a percent-encoded path. Raises ProblemError 404."""
        given = _segments(path)
        for template, (text, methods) in self._by_template.items():
            values = _match(template, given)
            if values is not None:
                return Found(text, methods, values)
        raise ProblemError("not_found", "There is nothing at this path; /api/docs lists what there is.")


def _segments(path: str) -> tuple[str, ...]:
    return tuple(unquote(part, errors="replace") for part in path.rstrip("/").split("/"))


def _match(template: tuple[str, ...], given: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the values of a template's parameters, or None when the path is another.

    A parameter that cannot be the id it stands for makes it another path: nothing lies there.
    """
    if len(template) != len(given):
        return None
    values: dict[str, Any] = {}
    for mine, theirs in zip(template, given, strict=True):
        if not mine.startswith("{"):
            if mine != theirs:
                return None
            continue
        value = _find_uuid(theirs) if mine.endswith("_id}") else _find_sequence(theirs)
        if value is None:
            return None
        values[mine[1:-1]] = value
    return values


def _find_uuid(text: str) -> UUID | None:
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def _find_sequence(text: str) -> int | None:
    plain = text.isascii() and text.isdecimal() and len(text) <= _SEQUENCE_DIGITS_MAX
    return int(text) if plain and int(text) > 0 else None
