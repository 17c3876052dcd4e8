"""The contract of Uploads while bytes arrive, for the twin and for Postgres."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.bundle import Storage
from storage.errors import OffsetConflictError, StorageError, UploadClosedError, VideoGoneError
from storage.records import NewUpload, Upload
from subjects.message import Priority
from tests.contract.storage_values import (
    LATER,
    OWNER,
    STRANGER,
    begin,
    new_upload,
    new_video,
    news,
    segments,
)


async def part(storage: Storage, *sizes_bytes: int, **said: Any) -> Upload:
    """A complete partial upload."""
    upload = await begin(storage, partial=True, length_bytes=sum(sizes_bytes), **said)
    return await storage.uploads.append(upload.id, 0, segments(*sizes_bytes), None, LATER)


async def test_a_new_upload_is_found_as_it_was_said(storage: Storage) -> None:
    upload = await begin(storage, sha256="ab" * 32)
    odd = await begin(storage, filename="a\x00.mp4")
    found = await storage.uploads.find(upload.id)
    assert found is not None
    assert NewUpload(**{name: getattr(found, name) for name in NewUpload.__struct_fields__}) == upload
    assert (found.state, found.offset_bytes, found.segments, found.priority) == ("open", 0, (), "normal")
    assert type(found.id) is UUID
    oddly_named = await storage.uploads.find(odd.id)
    assert oddly_named is not None
    assert oddly_named.filename == "a\ufffd.mp4"


async def test_a_known_upload_stays_as_it_is(storage: Storage) -> None:
    upload = await begin(storage)
    await storage.uploads.create(new_upload(None, id=upload.id, filename="other"))
    found = await storage.uploads.find(upload.id)
    assert found is not None
    assert found.filename == "walk.mp4"


async def test_an_unknown_upload_is_not_found(storage: Storage) -> None:
    assert await storage.uploads.find(uuid4()) is None


async def test_an_upload_has_the_priority_of_its_video(storage: Storage) -> None:
    video = new_video(priority=Priority.LOW)
    upload = new_upload(video.id)
    await storage.videos.create(video, upload)
    found = await storage.uploads.find(upload.id)
    assert found is not None
    assert found.priority is Priority.LOW


async def test_appended_segments_stand_in_order_and_move_offset_and_expiry(storage: Storage) -> None:
    upload, added = await begin(storage), segments(3, 2, 4)
    later = LATER + timedelta(hours=1)
    await storage.uploads.append(upload.id, 0, added[:2], None, LATER)
    stands = await storage.uploads.append(upload.id, 5, added[2:], None, later)
    assert (stands.offset_bytes, stands.state, stands.expires_at) == (9, "open", later)
    assert stands.segments == tuple(added)
    assert await storage.uploads.find(upload.id) == stands


async def test_the_last_bytes_complete_the_upload_and_promise_the_news(storage: Storage) -> None:
    upload, said = await begin(storage), news("upload.completed")
    stands = await storage.uploads.append(upload.id, 0, segments(10), said, LATER)
    assert stands.state == "complete"
    assert [line.subject for line in await storage.outbox.pending(10)] == [said.subject]


async def test_an_append_of_nothing_moves_the_expiry_and_can_complete(storage: Storage) -> None:
    upload = await begin(storage)
    await storage.uploads.append(upload.id, 0, segments(10), None, LATER)
    stands = await storage.uploads.append(upload.id, 10, [], news(), LATER + timedelta(hours=1))
    assert (stands.state, stands.offset_bytes) == ("complete", 10)
    assert stands.expires_at == LATER + timedelta(hours=1)


async def test_a_wrong_offset_is_refused_and_told_the_true_one(storage: Storage) -> None:
    upload = await begin(storage)
    await storage.uploads.append(upload.id, 0, segments(4), None, LATER)
    for offset_bytes in (-1, 0, 3, 5, 1 << 70):
        with pytest.raises(OffsetConflictError) as refused:
            await storage.uploads.append(upload.id, offset_bytes, segments(1), None, LATER)
        assert refused.value.expected_bytes == 4


async def test_of_two_writers_at_one_offset_one_wins_and_the_message_is_promised_once(
    storage: Storage,
) -> None:
    upload = await begin(storage)
    outcomes = await asyncio.gather(
        *(storage.uploads.append(upload.id, 0, segments(5, 5), news(), LATER) for _ in range(4)),
        return_exceptions=True,
    )
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Upload)]
    assert all(isinstance(o, StorageError) for o in outcomes if o is not winner)
    assert await storage.uploads.find(upload.id) == winner
    assert len(await storage.outbox.pending(10)) == 1


@pytest.mark.parametrize(
    ("sizes_bytes", "is_last"), [((11,), False), ((5, 6), True), ((5,), True), ((0, 1), False)]
)
async def test_bytes_that_do_not_fit_the_promise_are_the_callers_mistake(
    storage: Storage, sizes_bytes: tuple[int, ...], *, is_last: bool
) -> None:
    upload = await begin(storage)
    with pytest.raises(ValueError, match="segment"):
        await storage.uploads.append(upload.id, 0, segments(*sizes_bytes), news() if is_last else None, LATER)
    found = await storage.uploads.find(upload.id)
    assert found is not None
    assert (found.offset_bytes, found.segments) == (0, ())
    assert await storage.outbox.pending(10) == []


async def test_a_closed_or_unknown_upload_takes_nothing_and_says_why(storage: Storage) -> None:
    terminated, complete = await begin(storage), await begin(storage)
    await storage.uploads.terminate(terminated.id)
    await storage.uploads.append(complete.id, 0, segments(10), news(), LATER)
    closed = ((terminated.id, "terminated", 0), (complete.id, "complete", 10), (uuid4(), "gone", 0))
    for upload_id, state, at_bytes in closed:
        with pytest.raises(UploadClosedError) as refused:
            await storage.uploads.append(upload_id, at_bytes, segments(1), None, LATER)
        assert refused.value.state == state
    with pytest.raises(OffsetConflictError) as late:  # who lost a race to the last byte
        await storage.uploads.append(complete.id, 0, segments(10), news(), LATER)
    assert late.value.expected_bytes == 10


async def test_a_deferred_length_is_declared_once(storage: Storage) -> None:
    upload = await begin(storage, length_bytes=None)
    await storage.uploads.append(upload.id, 0, segments(7), None, LATER)
    with pytest.raises(ValueError, match="7 bytes"):
        await storage.uploads.declare_length(upload.id, 6)
    assert (await storage.uploads.declare_length(upload.id, 7)).length_bytes == 7
    assert (await storage.uploads.declare_length(upload.id, 7)).state == "open"
    with pytest.raises(UploadClosedError):
        await storage.uploads.declare_length(upload.id, 8)
    with pytest.raises(UploadClosedError):
        await storage.uploads.declare_length(uuid4(), 8)


async def test_a_video_whose_only_upload_is_cancelled_is_rejected_and_the_news_is_promised(
    storage: Storage,
) -> None:
    video = new_video()
    upload = new_upload(video.id)
    await storage.videos.create(video, upload)
    await storage.uploads.terminate(upload.id)
    await storage.uploads.terminate(upload.id)
    rejection = (await storage.videos.load(video.id)).rejection
    assert rejection is not None
    assert rejection.code == "upload_cancelled"
    promised = [line.subject for line in await storage.outbox.pending(9)]
    assert promised == [f"upload.expired.normal.{video.id}"]


async def test_an_upload_is_terminated_once(storage: Storage) -> None:
    upload = await begin(storage)
    assert await storage.uploads.terminate(upload.id) is True
    assert await storage.uploads.terminate(upload.id) is False
    assert await storage.uploads.terminate(uuid4()) is False


async def test_a_partial_upload_is_complete_with_its_last_byte_and_says_nothing(storage: Storage) -> None:
    assert (await part(storage, 3, 4)).state == "complete"
    deferred = await begin(storage, partial=True, length_bytes=None)
    await storage.uploads.append(deferred.id, 0, segments(2), None, LATER)
    assert (await storage.uploads.declare_length(deferred.id, 2)).state == "complete"
    assert await storage.outbox.pending(10) == []


async def test_partials_become_one_complete_upload_in_the_order_given(storage: Storage) -> None:
    video = new_video()
    await storage.videos.create(video, new_upload(video.id))
    first, second, said = await part(storage, 3, 4), await part(storage, 5), news()
    final = new_upload(video.id, length_bytes=None)
    whole = await storage.uploads.concatenate(final, [second.id, first.id], said)
    assert (whole.state, whole.length_bytes, whole.offset_bytes) == ("complete", 12, 12)
    assert whole.segments == second.segments + first.segments
    assert await storage.uploads.concatenate(final, [second.id, first.id], news()) == whole
    assert [line.subject for line in await storage.outbox.pending(10)] == [said.subject]
    used = await storage.uploads.find(first.id)
    assert used is not None
    assert (used.state, used.segments) == ("terminated", ())


async def test_only_complete_unused_partials_of_the_same_user_are_concatenated(storage: Storage) -> None:
    good, used = await part(storage, 3), await part(storage, 3)
    await storage.uploads.concatenate(new_upload(None), [used.id], news())
    unfinished, plain = await begin(storage, partial=True), await begin(storage)
    foreign = await part(storage, 3, user_id=STRANGER)
    for bad in (used.id, unfinished.id, plain.id, foreign.id, good.id, uuid4()):
        final = new_upload(None)
        with pytest.raises(UploadClosedError):
            await storage.uploads.concatenate(final, [good.id, bad], news())
        assert await storage.uploads.find(final.id) is None
    assert await storage.uploads.find(good.id) == good


async def test_of_two_finals_that_want_the_same_part_one_gets_it(storage: Storage) -> None:
    shared = await part(storage, 3)
    outcomes = await asyncio.gather(
        *(storage.uploads.concatenate(new_upload(None), [shared.id], news()) for _ in range(3)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Upload"] + ["UploadClosedError"] * 2


async def test_a_final_upload_for_a_deleted_video_changes_nothing(storage: Storage) -> None:
    shared = await part(storage, 3)
    with pytest.raises(VideoGoneError):
        await storage.uploads.concatenate(new_upload(uuid4()), [shared.id], news())
    assert await storage.uploads.find(shared.id) == shared


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.lists(st.integers(1, 1 << 40), max_size=4), max_size=4))
async def test_whatever_comes_in_whatever_pieces_adds_up(storage: Storage, steps: list[list[int]]) -> None:
    upload = await begin(storage, length_bytes=sum(map(sum, steps)))
    offset_bytes = 0
    for sizes_bytes in steps:
        stands = await storage.uploads.append(upload.id, offset_bytes, segments(*sizes_bytes), None, LATER)
        offset_bytes += sum(sizes_bytes)
        assert stands.offset_bytes == offset_bytes == sum(s.size_bytes for s in stands.segments)
    found = await storage.uploads.find(upload.id)
    assert found is not None
    assert [s.size_bytes for s in found.segments] == [size for sizes_bytes in steps for size in sizes_bytes]
    assert found.user_id == OWNER


async def test_a_page_of_uploads_has_all_of_one_users_with_and_without_a_video(storage: Storage) -> None:
    video = new_video()
    whole = new_upload(video.id, id=UUID(int=1))
    await storage.videos.create(video, whole)
    part = await begin(storage, id=UUID(int=2), partial=True)
    loose = await begin(storage, id=UUID(int=3))
    await begin(storage, user_id=STRANGER)
    await storage.uploads.append(part.id, 0, segments(10), None, LATER)
    found = await storage.uploads.page(OWNER, None, 10)
    assert [(one.id, one.video_id, one.partial) for one in found] == [
        (whole.id, video.id, False),
        (part.id, None, True),
        (loose.id, None, False),
    ]
    assert [(one.state, one.filename, one.segments) for one in found[1:2]] == [("complete", "walk.mp4", ())]
    assert [one.id for one in await storage.uploads.page(OWNER, whole.id, 1)] == [part.id]
