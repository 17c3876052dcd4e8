"""From the bytes of a request to a checked struct, or a problem that names the field."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from gateway.problems import FieldError, ProblemError, field_error, pointer
from gateway.route import Body, Query

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_JSON_TYPE: Final = re.compile(
    r'application/(?:[a-z0-9.-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?', re.IGNORECASE
)


def check_length(body: bytes | str, declared: str, limit_bytes: int) -> None:
    """Raise ProblemError 413 for a body larger than allowed, declared or come; 400 for one cut short."""
    said = int(declared) if declared.isascii() and declared.isdecimal() else None
    # Text is at least as long in bytes as in characters: this never encodes a large body only to refuse it.
    if (said or 0) > limit_bytes or len(body) > limit_bytes or len(_as_bytes(body)) > limit_bytes:
        raise ProblemError("too_large", f"A body may have at most {limit_bytes} bytes.")
    if said is not None and said != len(_as_bytes(body)):
        raise ProblemError("malformed_request", "The body ended before its Content-Length: send it again.")


def decode_body(kind: type[Body] | None, content_type: str, body: bytes | str) -> Body | None:
    """Return the body as the struct a route asks for. Raises ProblemError 400, 415 or 422."""
    if kind is None:
        if body.strip() not in (b"", "", b"{}", "{}"):
            raise ProblemError("malformed_request", "This call takes no body.")
        return None
    if not _JSON_TYPE.fullmatch(content_type.strip()):
        raise ProblemError(
            "unsupported_media_type", "Send JSON in UTF-8 with Content-Type: application/json."
        )
    try:
        decoded = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        raise _surrogate_problem(body) or error from error
    _refuse_nul(decoded)
    return decoded


def decode_query(kind: type[Query] | None, pairs: tuple[tuple[str, str], ...]) -> Query | None:
    """Return the percent-encoded parameters as the struct a route asks for. Raises ProblemError 400."""
    values: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        if not raw_name and not raw_value:  # `?a=1&&b=2`
            continue
        name, value = _decoded(raw_name, "parameters"), _decoded(raw_value, raw_name)
        if name in values:
            raise parameter_problem(name, "given more than once")
        values[name] = value
    if kind is None:
        if values:
            raise parameter_problem(next(iter(values)), "unknown parameter")
        return None
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        found = field_error(str(error))
        detail = "unknown parameter" if "unknown field" in found.detail else found.detail
        raise parameter_problem(found.pointer.removeprefix("/"), detail) from error


def parameter_problem(name: str, detail: str) -> ProblemError:
    """Return the problem with one parameter of the query or the headers."""
    return ProblemError("invalid_parameter", f"{name[:100]}: {detail}.", (FieldError(pointer(name), detail),))


def field_problem(path: str, detail: str, code: str = "validation_failed") -> ProblemError:
    """Return the problem with one field of a body; `path` is a JSON pointer."""
    return ProblemError(code, f"{path}: {detail}.", (FieldError(path, detail),))


def _as_bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _decoded(text: str, name: str) -> str:
    """Return a query text without its encoding: form rules, as browsers write it (`+` is a space)."""
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeError as error:
        raise parameter_problem(name, "not UTF-8") from error
    if "\x00" in decoded:
        raise parameter_problem(name, "contains a NUL character")
    return decoded


def _refuse_nul(decoded: Body) -> None:
    """Raise for a NUL character: Postgres cannot keep one, and nobody types one."""
    for link, text in _texts(msgspec.to_builtins(decoded)):
        if "\x00" in text:
            raise field_problem(pointer(*_path(link)), "contains a NUL character")


def _surrogate_problem(body: bytes | str) -> ProblemError | None:
    r"""Return the problem with half a surrogate pair (`"\ud800"`), which no UTF-8 can hold, if it is that."""
    try:
        lenient = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for link, text in _texts(lenient):
        if _SURROGATE.search(text):
            named = (_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", str(step)) for step in _path(link))
            return field_problem(pointer(*named), "contains half a surrogate pair")
    return None


@dataclass(frozen=True, slots=True)
class _Link:
    """The way to a value: its last step, and the way to what holds it."""

    holder: "_Link | None"
    step: str | int


def _texts(value: Any) -> Iterator[tuple[_Link | None, str]]:
    """Yield every text and name. No recursion: a hostile body is as deep as it is wide."""
    waiting: list[tuple[_Link | None, Any]] = [(None, value)]
    while waiting:
        link, inner = waiting.pop()
        if isinstance(inner, str):
            yield link, inner
        elif isinstance(inner, dict):
            for name, below in inner.items():
                yield _Link(link, name), name
                waiting.append((_Link(link, name), below))
        elif isinstance(inner, list):
            waiting.extend((_Link(link, index), below) for index, below in enumerate(inner))


def _path(link: _Link | None) -> list[str | int]:
    steps: list[str | int] = []
    while link is not None:
        steps.append(link.step)
        link = link.holder
    return steps[::-1]
