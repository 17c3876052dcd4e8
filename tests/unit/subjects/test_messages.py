"""Messages, their subjects and their envelopes."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subjects.codec import MESSAGE_ID, SUBJECT, UndecodableError, derived_id, open_message, seal
from subjects.matching import covers, covers_any
from subjects.media import Location, Metadata, Picture
from subjects.message import Address, Message, Priority, Subject
from subjects.registry import SUBJECTS, find_subject, subject_of
from subjects.stage import JOURNEY, SKIPPED, StageProgressed, StageSkipped
from subjects.streams import STREAMS
from subjects.upload import UploadCompleted
from subjects.video import PROBED, VideoProbed, VideoRejected, VideoThumbnailed

TEXT = st.text(max_size=40)
TOKENS = st.text("abcdefghijklmnopqrstuvwxyz_-0123456789", min_size=1, max_size=12)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
COUNTS = st.integers(0, 2**53)

METADATA = st.builds(
    Metadata,
    duration_seconds=FINITE,
    format=TEXT,
    size_bytes=COUNTS,
    width_px=COUNTS,
    height_px=COUNTS,
    fps=FINITE,
    codec=TEXT,
    bitrate_bps=COUNTS,
    rotation_degrees=st.sampled_from((0, 90, 180, 270)),
    mirrored=st.booleans(),
    hdr=st.sampled_from((None, "hdr10", "hlg", "dolby_vision")),
)
LOCATIONS = st.builds(
    Location,
    lat=st.floats(-90, 90),
    lng=st.floats(-180, 180),
    source=st.sampled_from(("user", "container")),
)
PICTURES = st.builds(Picture, key=TEXT, content_type=TEXT, width_px=COUNTS, height_px=COUNTS)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        UploadCompleted,
        video_id=st.uuids(),
        upload_id=st.uuids(),
        segment_keys=st.lists(TEXT).map(tuple),
        size_bytes=COUNTS,
        content_type=TEXT,
        filename=st.none() | TEXT,
        completed_at=MOMENTS,
    ),
    st.builds(
        VideoProbed,
        video_id=st.uuids(),
        key=TEXT,
        sha256=TEXT,
        metadata=METADATA,
        location=st.none() | LOCATIONS,
        recorded_at=st.none() | MOMENTS,
    ),
    st.builds(VideoRejected, video_id=st.uuids(), stage=TEXT, code=TEXT, detail=TEXT),
    st.builds(VideoThumbnailed, video_id=st.uuids(), posters=st.lists(PICTURES).map(tuple)),
    st.builds(StageSkipped, video_id=st.uuids(), stage=TOKENS, reason=TEXT, detail=TEXT),
    st.builds(StageProgressed, video_id=st.uuids(), stage=TOKENS, attempt=COUNTS, fraction=FINITE, note=TEXT),
)
PRIORITIES = st.sampled_from(Priority)


@given(MESSAGES, PRIORITIES)
def test_an_opened_envelope_holds_the_message_that_was_sealed(message: Message, priority: Priority) -> None:
    envelope = seal(message, message_id="a", priority=priority)
    assert open_message(envelope.subject, envelope.headers, envelope.body) == message


@given(MESSAGES, PRIORITIES)
def test_a_message_keeps_its_name_wherever_it_lies(message: Message, priority: Priority) -> None:
    envelope = seal(message, message_id="a", priority=priority, subject="work.prober.high.1")
    assert (envelope.subject, envelope.headers[MESSAGE_ID]) == ("work.prober.high.1", "a")
    assert open_message(envelope.subject, envelope.headers, envelope.body) == message


@given(MESSAGES, PRIORITIES)
def test_an_address_is_the_inverse_of_a_subject(message: Message, priority: Priority) -> None:
    declared = subject_of(message)
    address = Address.parse(declared.of(message, priority))
    assert (address.name, address.priority, address.video_id) == (declared.name, priority, message.video_id)
    assert address.facet == (getattr(message, declared.facet) if declared.facet else None)


@given(MESSAGES, PRIORITIES)
def test_a_subject_matches_its_own_patterns_and_its_stream_takes_it(
    message: Message, priority: Priority
) -> None:
    declared = subject_of(message)
    concrete = declared.of(message, priority)
    assert declared.matches(concrete)
    assert covers(declared.pattern(), concrete)
    assert covers(declared.pattern(priority=priority, video_id=message.video_id), concrete)
    assert not covers(declared.pattern(video_id=UUID(int=message.video_id.int ^ 1)), concrete)
    takers = [stream.name for stream in STREAMS if covers_any(stream.subjects, concrete)]
    assert takers == [declared.stream]
    assert [one for one in SUBJECTS if one.matches(concrete)] == [declared]


@given(TOKENS, TOKENS, PRIORITIES)
def test_a_narrowed_subject_matches_its_own_facet_only(stage: str, other: str, priority: Priority) -> None:
    skipped = StageSkipped(video_id=UUID(int=1), stage=stage, reason="", detail="")
    assert SKIPPED.at(stage).matches(SKIPPED.of(skipped, priority))
    assert SKIPPED.at(other).matches(SKIPPED.of(skipped, priority)) == (stage == other)


def test_a_subject_without_a_facet_cannot_be_narrowed() -> None:
    with pytest.raises(ValueError, match="no facet"):
        PROBED.at("prober")


@pytest.mark.parametrize(
    "subject",
    ["", "video", "video.probed.normal", "video.probed.normal.x", "video.probed.urgent.1", "a.b.c.d.e.f"],
)
def test_what_is_no_subject_of_the_house_is_no_address(subject: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Address.parse(subject)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_message_are_undecodable(body: bytes) -> None:
    with pytest.raises(UndecodableError, match=r"video\.probed"):
        open_message("video.probed.normal.1", {}, body)


def test_an_unknown_name_is_undecodable() -> None:
    with pytest.raises(UndecodableError, match=r"no message is registered for 'video\.vanished'"):
        open_message("work.prober.normal.1", {SUBJECT: "video.vanished"}, b"{}")


@given(TEXT, TOKENS, st.integers(0, 100), st.integers(0, 100))
def test_derived_ids_are_stable_and_differ_by_position(cause: str, actor: str, one: int, other: int) -> None:
    assert derived_id(cause, actor, one) == derived_id(cause, actor, one)
    assert (derived_id(cause, actor, one) == derived_id(cause, actor, other)) == (one == other)
    assert len(derived_id(cause, actor, one)) == 32


def test_names_and_messages_are_registered_once() -> None:
    assert len({subject.name for subject in SUBJECTS}) == len(SUBJECTS)
    assert len({subject.message for subject in SUBJECTS}) == len(SUBJECTS)
    assert all(find_subject(subject.name) is subject for subject in SUBJECTS)


def test_every_message_that_is_declared_is_registered() -> None:
    assert _leaves(Message) == {subject.message for subject in SUBJECTS}


def test_every_stage_of_the_journey_ends_in_a_registered_subject() -> None:
    assert all(step.done in SUBJECTS for step in JOURNEY)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_subject_names_a_stream_that_takes_all_of_it(subject: Subject[Message]) -> None:
    [stream] = [one for one in STREAMS if one.name == subject.stream]
    assert covers_any(stream.subjects, subject.pattern())
    assert subject.facet is None or subject.facet in subject.message.__struct_fields__


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_messages_are_frozen_and_tolerate_unknown_fields(subject: Subject[Message]) -> None:
    config = subject.message.__struct_config__
    assert (config.frozen, config.kw_only if hasattr(config, "kw_only") else True) == (True, True)
    assert not config.forbid_unknown_fields
    assert msgspec.json.schema(subject.message)


def _leaves(kind: type[Message]) -> set[type[Message]]:
    below = kind.__subclasses__()
    return {leaf for one in below for leaf in _leaves(one)} if below else {kind}
