import pytest

from storage.queries import Queries

TWO = """-- About both.

-- name: first
select 1
-- why it is so
limit 1;

-- name: second
select 2;
"""


def test_a_file_is_split_at_its_names() -> None:
    queries = Queries(TWO)
    assert list(queries) == ["first", "second"]
    assert queries["first"] == "select 1\n-- why it is so\nlimit 1;"
    assert queries["second"] == "select 2;"


def test_an_unknown_name_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="no query 'third', only first, second"):
        Queries(TWO)["third"]


@pytest.mark.parametrize(
    "text", [TWO + TWO, "-- name: first\n", "-- name: first\n-- name: second\nselect 1;"]
)
def test_a_name_given_twice_or_without_a_query_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="first"):
        Queries(text)
