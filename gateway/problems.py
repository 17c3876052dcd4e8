"""Every error a client can see: one table of codes, and one shape (RFC 9457, problem details).

    raise ProblemError("not_found", "There is no such video.")
    raise ProblemError("invalid_parameter", "limit is out of range", [FieldError("/limit", "1 to 100")])

Both gateways raise ProblemError, turn any other exception into one with `problem_of`, and answer with
`problem.status`, `problem_headers` and `problem_body`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from storage.errors import (
    EmailTakenError,
    OffsetConflictError,
    PasswordChangedError,
    QuotaExceededError,
    StorageUnavailableError,
    UploadClosedError,
    VideoGoneError,
)
from subjects.bus import BusUnavailableError

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 2

_ECHO_MAX: Final = 200
_AT: Final = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>(?:key in )?\$[^`]*)`)?", re.DOTALL)
_FIELD: Final = re.compile(r"(?:unknown|missing required) field `(?P<name>.*)`", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")


class Kind(NamedTuple):
    """What a code means: the HTTP status and a title that never changes with the occasion."""

    status: int
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    "malformed_request": Kind(400, "The request cannot be read"),
    "malformed_json": Kind(400, "The body is not JSON"),
    "invalid_parameter": Kind(400, "A parameter is not valid"),
    "unauthenticated": Kind(401, "This needs a sign-in"),
    "invalid_credentials": Kind(401, "These credentials do not open anything"),
    "forbidden": Kind(403, "You may not do this"),
    "bad_signature": Kind(403, "The URL's signature does not fit"),
    "not_found": Kind(404, "There is no such thing"),
    "method_not_allowed": Kind(405, "This method is not offered here"),
    "conflict": Kind(409, "The thing is in another state"),
    "email_taken": Kind(409, "Another account has this e-mail"),
    "request_in_progress": Kind(409, "The same request is still running"),
    "offset_conflict": Kind(409, "The upload stands at another offset"),
    "gone": Kind(410, "This was here and is gone"),
    "upload_closed": Kind(410, "The upload takes no more bytes"),
    "url_expired": Kind(410, "The URL has run out"),
    "precondition_failed": Kind(412, "A precondition does not hold"),
    "too_large": Kind(413, "This is larger than allowed"),
    # Said by the shipped proxy only, as is headers_too_large.
    "uri_too_long": Kind(414, "The URL is longer than allowed"),
    "unsupported_media_type": Kind(415, "This type of content is not taken"),
    "range_not_satisfiable": Kind(416, "The range lies outside the object"),
    "validation_failed": Kind(422, "A field is not valid"),
    "idempotency_key_reused": Kind(422, "The idempotency key was used for another request"),
    "too_many_requests": Kind(429, "Too many requests"),
    "quota_exceeded": Kind(429, "The quota of the day is used up"),
    "headers_too_large": Kind(431, "The headers are larger than allowed"),
    "checksum_mismatch": Kind(460, "The checksum does not fit the bytes"),
    "internal": Kind(500, "Something went wrong here"),
    "unavailable": Kind(503, "Not possible right now"),
    "overloaded": Kind(503, "There is no room for one more"),
    "timeout": Kind(504, "It took too long"),
}


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field: a JSON pointer (RFC 6901) into the body, or `/name` of a parameter."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error answer."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[FieldError, ...] = ()


class ProblemError(Exception):
    """An answer that is an error. `detail` says what the client can do; `headers` go along with it."""

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Iterable[FieldError] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.errors = code, detail, tuple(errors)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return KINDS[self.code].status


def problem_of(error: BaseException) -> ProblemError:
    """Return what a client is told of any exception: nothing about our insides."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, msgspec.ValidationError):
        return invalid_body(error)
    if isinstance(error, (StorageUnavailableError, BusUnavailableError)):
        return unavailable("A server behind this one does not answer. Repeat the request later.")
    for kind, code, advice in _TOLD:
        if isinstance(error, kind):
            return ProblemError(code, advice.format(error))
    return ProblemError("internal", "This is our mistake. The request id finds it in our logs.")


_TOLD: Final[tuple[tuple[type[BaseException], str, str], ...]] = (
    (msgspec.DecodeError, "malformed_json", "The body must be JSON: {0}."),
    (UnicodeDecodeError, "malformed_json", "The body must be JSON in UTF-8."),
    (VideoGoneError, "not_found", "There is no such video."),
    (EmailTakenError, "email_taken", "Sign in, or use another e-mail."),
    (PasswordChangedError, "conflict", "The password was changed meanwhile: repeat this with the new one."),
    (
        QuotaExceededError,
        "quota_exceeded",
        "This account has announced its uploads of today: go on tomorrow (UTC).",
    ),
    (OffsetConflictError, "offset_conflict", "Ask where the upload stands and go on there: {0}."),
    (UploadClosedError, "upload_closed", "Begin a new upload: {0}."),
    (TimeoutError, "timeout", "The request took too long. Repeat it later."),
)


def quota_problem(error: QuotaExceededError, now: datetime) -> ProblemError:
    """Return the 429 of a day's quota, with the seconds until the next day (UTC)."""
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)
    told = problem_of(error)
    told.headers["Retry-After"] = str(max(int((midnight - now).total_seconds()), 1))
    return told


def unavailable(detail: str, code: str = "unavailable", seconds: int = RETRY_AFTER_SECONDS) -> ProblemError:
    """Return a 503 that says when to come again."""
    return ProblemError(code, detail, headers={"Retry-After": str(seconds)})


def unauthenticated(detail: str, error: str = "") -> ProblemError:
    """Return a 401 with its challenge; `error` is a code of RFC 6750, left out when no token was sent."""
    challenge = f'Bearer realm="truthtok", error="{error}"' if error else 'Bearer realm="truthtok"'
    return ProblemError("unauthenticated", detail, headers={"WWW-Authenticate": challenge})


def invalid_body(error: msgspec.ValidationError) -> ProblemError:
    """Return the problem that names the field a decoder stumbled over."""
    found = field_error(str(error))
    return ProblemError("validation_failed", f"{found.pointer or 'The body'}: {found.detail}.", (found,))


def field_error(message: str) -> FieldError:
    """Turn msgspec's sentence (``Expected `int`, got `str` - at `$.upload.size_bytes` ``) into a pointer.

    A missing or unknown field is named itself, not the object around it.
    """
    found = _AT.fullmatch(message)
    what, path = (found["what"], found["path"] or "$") if found else (message, "$")
    steps = [name or index for name, index in _STEP.findall(path)]
    field = _FIELD.search(what)
    if field is not None:
        steps.append(field["name"])
    return FieldError(pointer(*steps), what[:_ECHO_MAX])


def pointer(*steps: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of a path. What a client wrote is echoed only so far."""
    return "".join(f"/{str(step)[:_ECHO_MAX].replace('~', '~0').replace('/', '~1')}" for step in steps)


def problem_headers(problem: ProblemError) -> dict[str, str]:
    """Return the headers of an error answer, with those the problem brings."""
    return {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", **problem.headers}


def problem_body(problem: ProblemError, request_id: str) -> bytes:
    """Return the JSON body of an error answer."""
    kind = KINDS[problem.code]
    return msgspec.json.encode(
        Problem(
            type=f"urn:truthtok:problem:{problem.code}",
            title=kind.title,
            status=kind.status,
            detail=problem.detail,
            code=problem.code,
            request_id=request_id,
            errors=problem.errors,
        )
    )
