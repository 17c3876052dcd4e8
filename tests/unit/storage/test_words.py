import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.postgres.pool import _encode_json
from storage.words import storable, words_of

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@given(ANY_TEXT)
def test_storable_text_can_be_sent_and_holds_no_nul(text: str) -> None:
    kept = storable(text)
    assert "\x00" not in kept
    assert storable(kept.encode().decode()) == kept


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_ordinary_text_is_kept_as_it_is(text: str) -> None:
    assert storable(text) == text


@given(st.text())
def test_the_words_of_words_are_themselves(text: str) -> None:
    words = words_of(text)
    assert set(words_of(" ".join(words))) == set(words)


@given(st.text(), st.text())
def test_a_text_contains_the_words_of_its_parts(left: str, right: str) -> None:
    assert {*words_of(left), *words_of(right)} == set(words_of(f"{left} {right}"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop-me now!", ["don", "t", "stop", "me", "now"]),
        ("ﬁne \N{KELVIN SIGN}", ["fine", "k"]),
        ("東京 タワー 2024年", ["東", "京", "タ", "ワ", "ー", "2024", "年"]),
        ("x" * 100, ["x" * 64]),
        (None, []),
    ],
)
def test_words_are_folded_and_distinct(text: str | None, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    "text", ["a\x00b", "\x00", "\\\x00", "\\\\\x00\x00", "\\u0000", "\\\\u0000", "plain"]
)
def test_json_for_the_database_replaces_nul_and_nothing_else(text: str) -> None:
    encoded = _encode_json({"text": text})
    assert msgspec.json.decode(encoded) == {"text": text.replace("\x00", "\ufffd")}
