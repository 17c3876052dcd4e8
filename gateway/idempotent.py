"""Idempotency keys of POST requests: the same key and body give the same response, made once.

A claim is let go when the request was refused, whichever way: it wrote nothing. After any other failure it
lapses by itself, and the next try makes its resource under the same id: what a broken first try left behind
is found again, not made twice.
"""

import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final
from uuid import UUID

from gateway.body import parameter_problem
from gateway.exchange import Response
from gateway.problems import ProblemError, problem_of
from storage.errors import StorageError
from storage.ports import Idempotency
from storage.records import Answer, Claim

logger = logging.getLogger(__name__)

HEADER: Final = "Idempotency-Key"
_FORM: Final = re.compile(r"[\x21-\x7e]{1,255}")
_BUSY_SECONDS: Final = 1
_LABEL: Final = b"truthtok request 1"


def key_of(value: str) -> str:
    """Return a key as given. Raises ProblemError 400 for one that no client should make."""
    if not _FORM.fullmatch(value):
        raise parameter_problem(HEADER, "must be 1 to 255 visible ASCII characters")
    return value


def fingerprint(key: bytes, method: str, path: str, body: bytes) -> str:
    """Return what makes a request the same request; `body` in canonical form.

    Keyed: a body may hold a password, and what is kept must not let anybody try passwords against it.
    """
    return hmac.new(key, b"\x00".join([_LABEL, method.encode(), path.encode(), body]), "sha256").hexdigest()


async def once(
    keys: Idempotency,
    user_id: UUID,
    key: str,
    requests: Sequence[str],
    *,
    resource_id: UUID,
    run: Callable[[UUID], Awaitable[Response]],
) -> Response:
    """Answer a request once: `run` makes its resource under the id it is given.

    `requests`: its fingerprint under each key, the newest first; it may have come first before a rotation.
    Raises ProblemError 409 while the same request runs, 422 when the key was used for another.
    """
    claim = await keys.claim(user_id, key, requests[0], resource_id)
    for request in requests[1:]:
        if claim.kind == "mismatch":
            claim = await keys.claim(user_id, key, request, resource_id)
    if claim.kind != "fresh":
        return _settled(claim)
    try:
        response = await run(claim.resource_id)
    except Exception as error:
        # A request is given up (`Route.timeout_seconds`) before its claim lapses: it is still ours.
        if problem_of(error).status < HTTPStatus.INTERNAL_SERVER_ERROR:
            await keys.release(user_id, key)
        raise
    try:
        kept = Answer(status=response.status, headers=response.headers, body=response.body)
        await keys.answer(user_id, key, kept)
    except StorageError as error:  # the work is done: a repetition does it again under the same id
        logger.warning("the answer to an idempotency key was not kept: %s", error)
    return response


def _settled(claim: Claim) -> Response:
    if claim.answer is not None:
        answer = claim.answer
        told = Response(status=answer.status, headers=dict(answer.headers), body=answer.body)
        return replace(told, headers={**told.headers, "Idempotency-Replayed": "true"})
    if claim.kind == "mismatch":
        raise ProblemError("idempotency_key_reused", "Use a new key for a new request.")
    raise ProblemError(
        "request_in_progress",
        "The request with this key is still running; repeat it in a moment.",
        headers={"Retry-After": str(_BUSY_SECONDS)},
    )
