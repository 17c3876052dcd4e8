"""The OpenAPI 3.1 document, from the route table and the structs. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.idempotent import HEADER as IDEMPOTENCY_KEY
from gateway.origins import PROBES
from gateway.policy import BY_KEYS
from gateway.problems import CONTENT_TYPE, KINDS, Problem
from gateway.request_id import HEADER as REQUEST_ID
from gateway.route import JSON, Route
from gateway.routes.table import ROUTES

VERSION: Final = "1"
ABOUT: Final = (
    "An open video backend. Unknown fields and parameters are errors that name them. Every error is an "
    "RFC 9457 problem with a stable `code`. A `pointer` in `errors` is a JSON pointer into the body, or "
    "`/name` of a parameter. Send `Idempotency-Key` with a POST to repeat it safely; "
    "signing in, refreshing and signing out take it and keep no answer. Whoever registers an "
    "e-mail, or takes it in place of theirs, is told whether it has an account; nobody else is."
)
ALWAYS: Final = (
    "malformed_request",
    "invalid_parameter",
    "too_large",
    "unsupported_media_type",
    "internal",
    "unavailable",
    "timeout",
)
"""Also of routes without parameters or a body, to whoever sends some all the same."""
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_COMPONENTS: Final = "#/components/schemas/{name}"

Json = dict[str, Any]

SCHEMES: Final[Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token from signing in, or an API key.",
    },
    "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key."},
}
_LIMITS: Final = ("RateLimit", "RateLimit-Policy")
_HEADERS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After", *_LIMITS),
    503: ("Retry-After",),
}
"""What comes with a status, beside what comes with all."""


def render_openapi() -> str:
    """Return the document as it is kept in `docs/openapi.json`."""
    return msgspec.json.format(msgspec.json.encode(openapi_document(ROUTES)), indent=2).decode() + "\n"


def openapi_document(routes: tuple[Route, ...], server: str = "/") -> Json:
    """Return the document of these routes."""
    structs = [kind for route in routes for kind in (route.body, route.answer) if kind is not None]
    schemas = _schemas([*dict.fromkeys(structs), Problem])
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TruthTok",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "tags": [{"name": name} for name in dict.fromkeys(route.group for route in routes)],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SCHEMES},
    }


def _schemas(structs: list[Any]) -> Json:
    return msgspec.json.schema_components(structs, ref_template=_COMPONENTS)[1]


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.group],
        "parameters": _parameters(route),
        "responses": {str(route.status): _success(route)} | _problems(route),
        "security": _security(route),
    }
    if route.body is not None:
        media: Json = {"schema": _reference(route.body)}
        if route.example is not None:
            media["example"] = route.example
        operation["requestBody"] = {"required": True, "content": {JSON: media}}
    if route.needs is not None:
        operation["description"] = f"Takes the permission `{route.needs}`."
    return operation


def _security(route: Route) -> list[Json]:
    """Return who may ask: the ways to say so, an empty one for nobody known."""
    if is_open(route):
        return []
    ways: list[Json] = [{"bearer": []}]
    if route.needs is None or route.needs in BY_KEYS:
        ways.append({"api_key": []})
    return ways if route.needs is not None else [{}, *ways]


def is_open(route: Route) -> bool:
    """Whether credentials in the headers are not looked at."""
    return route.signs_in or route.path in PROBES


def _reference(struct: type[msgspec.Struct]) -> Json:
    return {"$ref": _COMPONENTS.format(name=struct.__name__)}


def _parameters(route: Route) -> list[Json]:
    found = [_path_parameter(name) for name in _PARAMETER.findall(route.path)]
    if route.query is not None:
        found += _query_parameters(route.query)
    headers = [REQUEST_ID]
    headers += [IDEMPOTENCY_KEY] if route.method == "POST" else []
    headers += ["If-None-Match"] if route.etag else []
    headers += ["Last-Event-ID"] if route.content_type == "text/event-stream" else []
    found += [{"name": name, "in": "header", "schema": {"type": "string"}} for name in headers]
    return found


def _path_parameter(name: str) -> Json:
    plain: Json = {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "integer"}
    return {"name": name, "in": "path", "required": True, "schema": plain}


def _query_parameters(query: Any) -> list[Json]:
    schema = msgspec.json.schema_components([query], ref_template=_COMPONENTS)[1][query.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": one}
        for name, one in schema["properties"].items()
    ]


def _success(route: Route) -> Json:
    answer: Json = {"description": route.summary}
    if route.path not in PROBES:
        answer["headers"] = _told(_LIMITS)
    if route.answer is not None:
        answer["content"] = {JSON: {"schema": _reference(route.answer)}}
    elif route.status != 204:  # noqa: PLR2004 - No Content
        kind = "object" if route.content_type == JSON else "string"
        answer["content"] = {route.content_type.partition(";")[0]: {"schema": {"type": kind}}}
    return answer


def _problems(route: Route) -> Json:
    """Return the problem answers by status; codes that share one are told in its description."""
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(_codes(route)):
        by_status.setdefault(KINDS[code].status, []).append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {KINDS[code].title}" for code in codes),
            "content": {CONTENT_TYPE: {"schema": _reference(Problem), "example": _example(codes[0])}},
        }
        | ({"headers": _told(_HEADERS[status])} if status in _HEADERS else {})
        for status, codes in sorted(by_status.items())
    } | ({"304": {"description": "Not changed"}} if route.etag else {})


def _codes(route: Route) -> list[str]:
    codes = [*ALWAYS, *route.problems]
    if "{" in route.path:
        codes.append("not_found")
    if route.body is not None:
        codes += ["malformed_json", "validation_failed"]
    if route.keeps_answers:
        codes += ["request_in_progress", "idempotency_key_reused"]
    if route.path not in PROBES:
        codes += ["too_many_requests", "forbidden"]
    return codes if is_open(route) else [*codes, "unauthenticated"]


def _told(headers: tuple[str, ...]) -> Json:
    return {name: {"schema": {"type": "string"}} for name in headers}


def _example(code: str) -> Json:
    kind = KINDS[code]
    return {
        "type": f"urn:truthtok:problem:{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title + ".",
        "code": code,
        "request_id": "0199c8a2f1c27b1e8d5e6f7a8b9c0d1e",
    }
