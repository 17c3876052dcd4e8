import re
from types import SimpleNamespace
from typing import Any

import pytest
from av.stream import Disposition
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.sound.facts import label_of
from actors.engines.sound.languages import language_of
from actors.engines.sound.tracks import facts_of, sounds_of


@pytest.mark.parametrize(("told", "tag"), [
    ("eng", "en"),
    ("ger", "de"),
    ("deu", "de"),
    ("chi", "zh"),
    ("fil", "fil"),
    ("en", "en"),
    ("pt-br", "pt-BR"),
    ("zh_hans", "zh-Hans"),
    ("ENG", "en"),
])  # fmt: skip
def test_a_language_is_told_in_its_shortest_form(told: str, tag: str) -> None:
    assert language_of(told) == tag


@pytest.mark.parametrize("told", [None, "", "und", "mul", "zxx", "qaa", "qtz", "`^@", "english", "e", "1:2"])
def test_what_names_no_language_is_none(told: str | None) -> None:
    assert language_of(told) is None


@given(st.text(max_size=20))
def test_any_text_is_a_tag_or_none(told: str) -> None:
    tag = language_of(told)
    assert tag is None or re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag)


@pytest.mark.parametrize(("tags", "label"), [
    ({"title": "Director's commentary"}, "Director's commentary"),
    ({"handler_name": "Deutsch"}, "Deutsch"),
    ({"title": "", "handler_name": "Kommentar"}, "Kommentar"),
    ({"handler_name": "SoundHandler"}, None),
    ({"handler_name": "Core Media Audio"}, None),
    ({"handler_name": "ISO Media file produced by Google Inc."}, None),
    ({"title": "Track 2"}, None),
    ({}, None),
    ({"title": "a\n\r#EXT\t b\0c\u202e\ufffd"}, "a #EXT bc"),
    ({"title": "x" * 500}, "x" * 64),
])  # fmt: skip
def test_a_label_says_something_in_one_short_line(tags: dict[str, str], label: str | None) -> None:
    assert label_of(tags) == label


@given(st.dictionaries(st.sampled_from(["title", "name", "handler_name"]), st.text()))
def test_any_label_can_be_shown(tags: dict[str, str]) -> None:
    label = label_of(tags)
    assert label is None or (label.isprintable() and 0 < len(label) <= 64 and label == label.strip())


def stream(index: int, *, default: bool = False, rate: int = 48_000, **tags: str) -> Any:
    context = SimpleNamespace(sample_rate=rate, channels=2)
    disposition = Disposition.default if default else Disposition(0)
    return SimpleNamespace(index=index, codec_context=context, disposition=disposition, metadata=tags)


def container(*streams: Any) -> Any:
    return SimpleNamespace(streams=SimpleNamespace(audio=streams))


def test_the_default_track_comes_first_and_the_others_as_they_lie() -> None:
    found = sounds_of(container(stream(1), stream(2), stream(3, default=True), stream(4)))
    assert [one.index for one in found] == [3, 1, 2, 4]


def test_a_track_without_a_decoder_is_not_heard() -> None:
    dead = SimpleNamespace(index=1, codec_context=None, disposition=Disposition.default, metadata={})
    assert [one.index for one in sounds_of(container(dead, stream(2, rate=0), stream(3)))] == [3]


def test_tracks_are_counted_after_the_first() -> None:
    first = facts_of(stream(3, language="eng"), 0)
    second = facts_of(stream(1, language="ger", title="Alt"), 1)
    assert (first.rendition, first.language, first.label) == ("audio-aac", "en", None)
    assert (second.rendition, second.language, second.label) == ("audio-aac-2", "de", "Alt")
