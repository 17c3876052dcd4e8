import json
from http import HTTPStatus

import msgspec
import pytest

from gateway.problems import (
    KINDS,
    FieldError,
    ProblemError,
    field_error,
    pointer,
    problem_body,
    problem_headers,
    problem_of,
)
from storage.errors import OffsetConflictError, StorageUnavailableError
from subjects.bus import BusUnavailableError


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    size: int


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    inner: Inner | None = None
    numbers: list[int] = []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{}", "/title"),
        (b'{"title":1}', "/title"),
        (b'{"title":"a","inner":{"size":"x"}}', "/inner/size"),
        (b'{"title":"a","inner":{}}', "/inner/size"),
        (b'{"title":"a","inner":{"size":1,"a/b~c":2}}', "/inner/a~1b~0c"),
        (b'{"title":"a","inner":{"size":1,"a`b - at `$.c":2}}', "/inner/a`b - at `$.c"),
        (b'{"title":"a","numbers":[1,"2"]}', "/numbers/1"),
        (b"[]", ""),
    ],
)
def test_a_decoders_error_becomes_a_pointer_to_the_field(body, named):
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(body, type=Outer)
    assert field_error(str(caught.value)).pointer == named
    assert problem_of(caught.value).errors[0].pointer == named


def test_a_pointer_escapes_and_echoes_only_so_far():
    assert pointer("a/b", "c~d", 3) == "/a~1b/c~0d/3"
    assert len(pointer("x" * 10_000)) < 300


@pytest.mark.parametrize("error", [StorageUnavailableError("pg at 10.0.0.7"), BusUnavailableError("nats")])
def test_a_server_that_does_not_answer_is_503_with_retry_after(error):
    problem = problem_of(error)
    assert problem.status == 503
    assert int(problem_headers(problem)["Retry-After"]) > 0
    assert b"10.0.0.7" not in problem_body(problem, "r")


def test_an_unknown_error_says_nothing_of_our_insides():
    problem = problem_of(RuntimeError("select secret from t"))
    told = json.loads(problem_body(problem, "the-request"))
    assert (told["status"], told["code"], told["request_id"]) == (500, "internal", "the-request")
    assert "secret" not in json.dumps(told)


def test_a_problem_has_the_members_of_rfc_9457_and_its_field_errors():
    problem = ProblemError("conflict", "Wait.", [FieldError("/a", "no")], headers={"X": "y"})
    told = json.loads(problem_body(problem, "r"))
    assert told == {
        "type": "urn:truthtok:problem:conflict",
        "title": KINDS["conflict"].title,
        "status": 409,
        "detail": "Wait.",
        "code": "conflict",
        "request_id": "r",
        "errors": [{"pointer": "/a", "detail": "no"}],
    }
    assert problem_headers(problem)["X"] == "y"


def test_an_offset_conflict_says_where_the_upload_stands():
    assert "byte 7" in problem_of(OffsetConflictError(7, 3)).detail


def test_every_code_has_a_status_that_is_an_error():
    known = {int(status) for status in HTTPStatus} | {460}
    assert all(kind.status in known and kind.status >= 400 for kind in KINDS.values())
