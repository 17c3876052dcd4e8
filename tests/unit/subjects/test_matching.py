import pytest
from hypothesis import given
from hypothesis import strategies as st

from subjects.matching import covers

TOKENS = st.lists(st.sampled_from("abc"), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.b.c", "a.b", False),
        ("a.*", "a.b", True),
        ("*.*", "a", False),
        ("a.>", "a", False),
        ("a.>", "a.b.c", True),
        (">", "a", True),
        ("a.*", "a.*", True),
        ("a.*", "a.>", False),
        ("a.b", "a.*", False),
        ("a.>", "a.*.>", True),
    ],
)
def test_a_pattern_covers_as_nats_does(pattern: str, subject: str, expected: bool) -> None:
    assert covers(pattern, subject) is expected


@given(TOKENS, st.data())
def test_stars_in_place_of_tokens_still_cover(tokens: list[str], data: st.DataObject) -> None:
    stars = [data.draw(st.sampled_from((token, "*"))) for token in tokens]
    assert covers(".".join(stars), ".".join(tokens))
    cut = data.draw(st.integers(0, len(tokens) - 1))
    assert covers(".".join([*stars[:cut], ">"]), ".".join(tokens))


@given(TOKENS, TOKENS)
def test_without_wildcards_only_the_same_is_covered(one: list[str], other: list[str]) -> None:
    assert covers(".".join(one), ".".join(other)) is (one == other)
